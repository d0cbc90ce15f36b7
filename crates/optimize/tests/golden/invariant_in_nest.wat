;; The inner loop does not change what only the outer one uses behind it: nothing is moved for
;; that, and what depends on it is computed outside.
(module
  (func (param $count i32) (result i32)
    (local $outer i32) (local $inner i32) (local $sum i32)
    (loop $rows
      (local.set $inner (i32.const 100))
      (loop $columns
        (local.set $sum (i32.add
          (local.get $sum)
          (i32.mul (i32.mul (local.get $outer) (local.get $outer)) (local.get $inner))))
        (br_if $columns (local.tee $inner (i32.sub (local.get $inner) (i32.const 1)))))
      (local.set $sum (i32.xor (local.get $sum) (local.get $outer)))
      (br_if $rows (i32.lt_u
        (local.tee $outer (i32.add (local.get $outer) (i32.const 1)))
        (local.get $count))))
    (local.get $sum))
)
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rcx, [rdi]                       @24
;;|    7  mov rax, [rcx]
;;|    a  mov rdx, rsp
;;|    d  cmp rdx, rax
;;|   10  jb 7Eh
;;|   16  xor eax, eax
;;|   18  mov rdx, rax
;;|   1b  mov r8, [rcx]                        @27
;;|   1e  test r8, r8
;;|   21  jl 8Ch
;;|   27  mov r9d, 64h                         @-
;;|   2d  mov r8, rdx
;;|   30  imul r8d, edx                        @42
;;|   34  mov r10, [rcx]                       @34
;;|   37  test r10, r10
;;|   3a  jl 9Bh
;;|   40  mov r10, r9                          @-
;;|   43  sub r10d, 1
;;|   47  mov r11, r8
;;|   4a  imul r11d, r9d                       @45
;;|   4e  add eax, r11d                        @46
;;|   51  test r10d, r10d                      @56
;;|   54  je 62h
;;|   5a  mov r9, r10                          @-
;;|   5d  jmp 34h
;;|   62  lea r8d, [rdx+1]
;;|   66  xor eax, edx                         @63
;;|   68  cmp r8d, esi                         @76
;;|   6b  jae 79h
;;|   71  mov rdx, r8                          @-
;;|   74  jmp 1Bh
;;|   79  mov rsp, rbp                         @81
;;|   7c  pop rbp
;;|   7d  ret
;;|   7e  mov rax, [rdi+8]                     @24
;;|   82  mov rax, [rax]
;;|   85  call rax
;;|   87  jmp 16h
;;|   8c  mov r8, [rdi+8]                      @27
;;|   90  mov r8, [r8]
;;|   93  call r8
;;|   96  jmp 27h
;;|   9b  mov r10, [rdi+8]                     @34
;;|   9f  mov r10, [r10]
;;|   a2  call r10
;;|   a5  jmp 40h
