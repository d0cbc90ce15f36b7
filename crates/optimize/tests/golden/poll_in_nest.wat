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
;;|    4  mov rax, [rdi]                       @25
;;|    7  mov rax, [rax]
;;|    a  mov rcx, rsp
;;|    d  cmp rcx, rax
;;|   10  jb 61h
;;|   16  xor eax, eax
;;|   18  mov rcx, [rdi]                       @-
;;|   1b  mov r8, [rcx]                        @28
;;|   1e  test r8, r8
;;|   21  jl 6Fh
;;|   27  mov r8, rdx                          @-
;;|   2a  mov r9, [rcx]                        @34
;;|   2d  test r9, r9
;;|   30  jl 7Eh
;;|   36  mov r9, r8                           @-
;;|   39  sub r9d, 1
;;|   3d  add eax, r8d                         @40
;;|   40  test r9d, r9d                        @50
;;|   43  je 51h
;;|   49  mov r8, r9                           @-
;;|   4c  jmp 2Ah
;;|   51  sub esi, 1
;;|   54  test esi, esi                        @60
;;|   56  jne 1Bh
;;|   5c  mov rsp, rbp                         @65
;;|   5f  pop rbp
;;|   60  ret
;;|   61  mov rax, [rdi+8]                     @25
;;|   65  mov rax, [rax]
;;|   68  call rax
;;|   6a  jmp 16h
;;|   6f  mov r8, [rdi+8]                      @28
;;|   73  mov r8, [r8]
;;|   76  call r8
;;|   79  jmp 27h
;;|   7e  mov r9, [rdi+8]                      @34
;;|   82  mov r9, [r9]
;;|   85  call r9
;;|   88  jmp 36h
