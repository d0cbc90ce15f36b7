;; A global lies in the instance, or where the instance points if others can see it.
(module
  (import "host" "constant" (global $constant i32))
  (global $private (mut i64) (i64.const 1))
  (global $exported (export "exported") (mut i32) (i32.const 2))
  (func (result i32)
    (global.set $private (i64.add (global.get $private) (i64.const 1)))
    (global.set $exported (global.get $constant))
    (i32.add (global.get $exported) (global.get $constant))))
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  add qword ptr [rdi+40h], 1           @76
;;|    9  mov r8, [rdi+30h]                    @78
;;|    d  mov r8d, [r8]
;;|   10  mov rdi, [rdi+50h]                   @80
;;|   14  mov [rdi], r8d
;;|   17  lea eax, [r8+r8]                     @86
;;|   1b  mov rsp, rbp                         @87
;;|   1e  pop rbp
;;|   1f  ret
