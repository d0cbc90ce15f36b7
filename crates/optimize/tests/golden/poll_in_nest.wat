;; A nest of loops without stores or calls. The poll (load of the limit, test of its sign) must be
;; inside the inner loop: the code generator would merge a check without a call in its cold path
;; with the one of the outer loop.
(module
  (func (param $rows i32) (param $columns i32) (result i32)
    (local $column i32) (local $sum i32)
    (loop $outer
      (local.set $column (local.get $columns))
      (loop $inner
        (local.set $sum (i32.add (local.get $sum) (local.get $column)))
        (br_if $inner (local.tee $column (i32.sub (local.get $column) (i32.const 1)))))
      (br_if $outer (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))
    (local.get $sum)))
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rcx, [rdi]                       @25
;;|    7  mov rax, [rcx]
;;|    a  mov r8, rsp
;;|    d  cmp r8, rax
;;|   10  jb 5Eh
;;|   16  xor eax, eax
;;|   18  mov r8, [rcx]                        @28
;;|   1b  test r8, r8
;;|   1e  jl 6Ch
;;|   24  mov r8, rdx                          @-
;;|   27  mov r9, [rcx]                        @34
;;|   2a  test r9, r9
;;|   2d  jl 7Bh
;;|   33  mov r9, r8                           @-
;;|   36  sub r9d, 1
;;|   3a  add eax, r8d                         @40
;;|   3d  test r9d, r9d                        @50
;;|   40  je 4Eh
;;|   46  mov r8, r9                           @-
;;|   49  jmp 27h
;;|   4e  sub esi, 1
;;|   51  test esi, esi                        @60
;;|   53  jne 18h
;;|   59  mov rsp, rbp                         @65
;;|   5c  pop rbp
;;|   5d  ret
;;|   5e  mov rax, [rdi+8]                     @25
;;|   62  mov rax, [rax]
;;|   65  call rax
;;|   67  jmp 16h
;;|   6c  mov r8, [rdi+8]                      @28
;;|   70  mov r8, [r8]
;;|   73  call r8
;;|   76  jmp 24h
;;|   7b  mov r9, [rdi+8]                      @34
;;|   7f  mov r9, [r9]
;;|   82  call r9
;;|   85  jmp 33h
