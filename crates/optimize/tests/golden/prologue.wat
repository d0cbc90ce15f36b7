;; A leaf needs no stack check; what calls, loops or has much to keep does.
(module
  (func $leaf (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func $caller (param i32) (result i32)
    (call $leaf (local.get 0) (i32.const 1))))
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  lea eax, [rsi+rdx]                   @36
;;|    7  mov rsp, rbp                         @37
;;|    a  pop rbp
;;|    b  ret
;;= function 1, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r10, [rdi]                       @39
;;|    7  mov r10, [r10]
;;|    a  mov r11, rsp
;;|    d  cmp r11, r10
;;|   10  jb 29h
;;|   16  mov edx, 1                           @42
;;|   1b  mov rax, [22h]                       @44 cell 0
;;|   22  call rax
;;|   24  mov rsp, rbp                         @46
;;|   27  pop rbp
;;|   28  ret
;;|   29  mov rax, [rdi+8]                     @39
;;|   2d  mov rax, [rax]
;;|   30  call rax
;;|   32  jmp 16h
