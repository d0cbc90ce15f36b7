;; A global lies in the instance, or where the instance points if others can see it.
(module
  (import "host" "constant" (global $constant i32))
  (global $private (mut i64) (i64.const 1))
  (global $exported (export "exported") (mut i32) (i32.const 2))
  (func (result i32)
    (global.set $private (i64.add (global.get $private) (i64.const 1)))
    (global.set $exported (global.get $constant))
    (i32.add (global.get $exported) (global.get $constant))))
;;= function 0, frame of 32 bytes
;;|    0  push rbp                             @70
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov r11, [r14]
;;|   15  cmp rsp, [r11]
;;|   18  jb 5Ch
;;|   1e  mov rax, [r14+40h]                   @71
;;|   22  add rax, 1                           @75
;;|   26  mov [r14+40h], rax                   @76
;;|   2a  mov r11, [r14+30h]                   @78
;;|   2e  mov eax, [r11]
;;|   31  mov r11, [r14+50h]                   @80
;;|   35  mov [r11], eax
;;|   38  mov r11, [r14+50h]                   @82
;;|   3c  mov eax, [r11]
;;|   3f  mov r11, [r14+30h]                   @84
;;|   43  mov ecx, [r11]
;;|   46  add eax, ecx                         @86
;;|   48  sub dword ptr [r14+60h], 4Ah         @87
;;|   50  js 71h
;;|   56  mov r14, [rbp-8]
;;|   5a  leave
;;|   5b  ret
;;|   5c  mov r10, rdi                         @70
;;|   5f  mov rdi, r14
;;|   62  mov r11, [r14+8]
;;|   66  call qword ptr [r11]
;;|   69  mov rdi, r10
;;|   6c  jmp 1Eh
;;|   71  push r10                             @87
;;|   73  push r10
;;|   75  mov r11d, 0
;;|   7b  mov r10, [r14+8]
;;|   7f  call qword ptr [r10+8]
;;|   83  pop r10
;;|   85  pop r10
;;|   87  jmp 56h
