;; Every call reads the callee's cell right before it calls, also in loops and for tail calls.
(module
  (import "host" "first" (func $imported (param i32) (result i32)))
  (func $callee (param i32) (result i32)
    (local.get 0))
  (func $twice_in_a_loop (param i32) (result i32)
    (loop $again
      (local.set 0 (call $callee (call $callee (local.get 0))))
      (br_if $again (local.get 0)))
    (local.get 0))
  (func $import_twice (param i32) (result i32)
    (call $imported (call $imported (local.get 0))))
  (func $tail (param i32) (result i32)
    (return_call $callee (local.get 0)))
  (func $tail_import (param i32) (result i32)
    (return_call $imported (local.get 0))))
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rax, rsi
;;|    7  mov rsp, rbp                         @47
;;|    a  pop rbp
;;|    b  ret
;;= function 1, frame of 16 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 10h
;;|    8  mov [rsp], rbx
;;|    c  mov [rsp+8], r15
;;|   11  mov r15, [rdi]                       @49
;;|   14  mov rax, [r15]
;;|   17  mov rcx, rsp
;;|   1a  cmp rcx, rax
;;|   1d  jb 72h
;;|   23  mov rax, [r15]                       @50
;;|   26  test rax, rax
;;|   29  jl 80h
;;|   2f  mov rbx, rdi                         @-
;;|   32  mov rax, [39h]                       @54 cell 0
;;|   39  mov rdi, rbx
;;|   3c  call rax
;;|   3e  mov rcx, [45h]                       @56 cell 0
;;|   45  mov rsi, rax
;;|   48  mov rdi, rbx
;;|   4b  call rcx
;;|   4d  test eax, eax                        @62
;;|   4f  je 60h
;;|   55  mov rsi, rax                         @-
;;|   58  mov rdi, rbx
;;|   5b  jmp 23h
;;|   60  mov rbx, [rsp]                       @67
;;|   64  mov r15, [rsp+8]
;;|   69  add rsp, 10h
;;|   6d  mov rsp, rbp
;;|   70  pop rbp
;;|   71  ret
;;|   72  mov rax, [rdi+8]                     @49
;;|   76  mov rax, [rax]
;;|   79  call rax
;;|   7b  jmp 23h
;;|   80  mov rax, [rdi+8]                     @50
;;|   84  mov rax, [rax]
;;|   87  call rax
;;|   89  mov rbx, rdi
;;|   8c  jmp 32h
;;= function 2, frame of 16 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 10h
;;|    8  mov [rsp], rbx
;;|    c  mov [rsp+8], r12
;;|   11  mov rax, [rdi]                       @69
;;|   14  mov rax, [rax]
;;|   17  mov rcx, rsp
;;|   1a  cmp rcx, rax
;;|   1d  jb 52h
;;|   23  mov r12, [rdi+20h]                   @72
;;|   27  mov rcx, [r12]
;;|   2b  mov rbx, [rdi+28h]
;;|   2f  mov rdi, rbx
;;|   32  call rcx
;;|   34  mov rsi, rax
;;|   37  mov rax, [r12]                       @74
;;|   3b  mov rdi, rbx
;;|   3e  call rax
;;|   40  mov rbx, [rsp]                       @76
;;|   44  mov r12, [rsp+8]
;;|   49  add rsp, 10h
;;|   4d  mov rsp, rbp
;;|   50  pop rbp
;;|   51  ret
;;|   52  mov rax, [rdi+8]                     @69
;;|   56  mov rax, [rax]
;;|   59  call rax
;;|   5b  jmp 23h
;;= function 3, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r9, [rdi]                        @78
;;|    7  mov r9, [r9]
;;|    a  mov r10, rsp
;;|    d  cmp r10, r9
;;|   10  jb 24h
;;|   16  mov r10, [1Dh]                       @81 cell 0
;;|   1d  mov rsp, rbp
;;|   20  pop rbp
;;|   21  jmp r10
;;|   24  mov rax, [rdi+8]                     @78
;;|   28  mov rax, [rax]
;;|   2b  call rax
;;|   2d  jmp 16h
;;= function 4, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r11, [rdi]                       @85
;;|    7  mov r11, [r11]
;;|    a  mov rax, rsp
;;|    d  cmp rax, r11
;;|   10  jb 28h
;;|   16  mov rax, [rdi+20h]                   @88
;;|   1a  mov r10, [rax]
;;|   1d  mov rdi, [rdi+28h]
;;|   21  mov rsp, rbp
;;|   24  pop rbp
;;|   25  jmp r10
;;|   28  mov rax, [rdi+8]                     @85
;;|   2c  mov rax, [rax]
;;|   2f  call rax
;;|   31  jmp 16h
