;; A constant in a register is made in each block that uses it, not kept across calls.
(module
  (func $take (param i32))
  (func (param $either i32) (param $count i32)
    (if (local.get $either)
      (then
        (call $take (i32.const 1234567))
        (loop $again
          (call $take (i32.const 1234567))
          (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
      (else (call $take (i32.const 1234567)))))
)
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rsp, rbp                         @30
;;|    7  pop rbp
;;|    8  ret
;;= function 1, frame of 32 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    8  mov [rsp], rbx
;;|    c  mov [rsp+8], r12
;;|   11  mov [rsp+10h], r13
;;|   16  mov r13, rdx
;;|   19  mov rbx, [rdi]                       @32
;;|   1c  mov rax, [rbx]
;;|   1f  mov rcx, rsp
;;|   22  cmp rcx, rax
;;|   25  jb 0A1h
;;|   2b  test esi, esi                        @35
;;|   2d  jne 46h
;;|   33  mov esi, 12D687h                     @64
;;|   38  mov rax, [3Fh]                       @69 cell 0
;;|   3f  call rax
;;|   41  jmp 8Ah                              @71
;;|   46  mov r12, rdi                         @-
;;|   49  mov esi, 12D687h
;;|   4e  mov rax, [55h]                       @42 cell 0
;;|   55  call rax
;;|   57  mov rax, [rbx]                       @44
;;|   5a  test rax, rax
;;|   5d  jl 0AFh
;;|   63  mov esi, 12D687h                     @-
;;|   68  mov rax, [6Fh]                       @51 cell 0
;;|   6f  mov rdi, r12
;;|   72  call rax
;;|   74  mov rdx, r13
;;|   77  sub edx, 1                           @-
;;|   7a  test edx, edx                        @60
;;|   7c  je 8Ah
;;|   82  mov r13, rdx                         @-
;;|   85  jmp 57h
;;|   8a  mov rbx, [rsp]                       @72
;;|   8e  mov r12, [rsp+8]
;;|   93  mov r13, [rsp+10h]
;;|   98  add rsp, 20h
;;|   9c  mov rsp, rbp
;;|   9f  pop rbp
;;|   a0  ret
;;|   a1  mov rax, [rdi+8]                     @32
;;|   a5  mov rax, [rax]
;;|   a8  call rax
;;|   aa  jmp 2Bh
;;|   af  mov rax, [r12+8]                     @44
;;|   b4  mov rax, [rax]
;;|   b7  mov rdi, r12
;;|   ba  call rax
;;|   bc  jmp 63h
