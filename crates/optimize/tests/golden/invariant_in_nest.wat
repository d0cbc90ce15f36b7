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
;;|    4  mov rax, [rdi]                       @24
;;|    7  mov rax, [rax]
;;|    a  mov rcx, rsp
;;|    d  cmp rcx, rax
;;|   10  jb 81h
;;|   16  xor eax, eax
;;|   18  mov rcx, [rdi]                       @-
;;|   1b  mov rdx, rax
;;|   1e  mov r8, [rcx]                        @27
;;|   21  test r8, r8
;;|   24  jl 8Fh
;;|   2a  mov r9d, 64h                         @-
;;|   30  mov r8, rdx
;;|   33  imul r8d, edx                        @42
;;|   37  mov r10, [rcx]                       @34
;;|   3a  test r10, r10
;;|   3d  jl 9Eh
;;|   43  mov r10, r9                          @-
;;|   46  sub r10d, 1
;;|   4a  mov r11, r8
;;|   4d  imul r11d, r9d                       @45
;;|   51  add eax, r11d                        @46
;;|   54  test r10d, r10d                      @56
;;|   57  je 65h
;;|   5d  mov r9, r10                          @-
;;|   60  jmp 37h
;;|   65  lea r8d, [rdx+1]
;;|   69  xor eax, edx                         @63
;;|   6b  cmp r8d, esi                         @76
;;|   6e  jae 7Ch
;;|   74  mov rdx, r8                          @-
;;|   77  jmp 1Eh
;;|   7c  mov rsp, rbp                         @81
;;|   7f  pop rbp
;;|   80  ret
;;|   81  mov rax, [rdi+8]                     @24
;;|   85  mov rax, [rax]
;;|   88  call rax
;;|   8a  jmp 16h
;;|   8f  mov r8, [rdi+8]                      @27
;;|   93  mov r8, [r8]
;;|   96  call r8
;;|   99  jmp 2Ah
;;|   9e  mov r10, [rdi+8]                     @34
;;|   a2  mov r10, [r10]
;;|   a5  call r10
;;|   a8  jmp 43h
