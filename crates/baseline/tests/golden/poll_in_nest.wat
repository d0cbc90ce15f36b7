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
;;= function 0, frame of 64 bytes
;;|    0  push rbp                             @25
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 40h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov [rbp-18h], r12
;;|   17  mov [rbp-20h], r13
;;|   1b  mov r14, rdi
;;|   1e  mov ebx, esi
;;|   20  mov r12d, edx
;;|   23  xor r13d, r13d
;;|   26  mov qword ptr [rbp-28h], 0
;;|   2e  mov r11, [r14]
;;|   31  cmp rsp, [r11]
;;|   34  jb 96h
;;|   3a  mov r11, [r14]                       @28
;;|   3d  cmp qword ptr [r11], 0
;;|   41  js 0ABh
;;|   47  mov r13d, r12d                       @32
;;|   4a  mov r11, [r14]                       @34
;;|   4d  cmp qword ptr [r11], 0
;;|   51  js 0C0h
;;|   57  mov eax, [rbp-28h]                   @40
;;|   5a  add eax, r13d
;;|   5d  mov [rbp-28h], eax                   @41
;;|   60  mov eax, r13d                        @47
;;|   63  sub eax, 1
;;|   66  mov r13d, eax                        @48
;;|   69  test r13d, r13d                      @50
;;|   6c  jne 4Ah
;;|   72  mov eax, ebx                         @57
;;|   74  sub eax, 1
;;|   77  mov ebx, eax                         @58
;;|   79  test ebx, ebx                        @60
;;|   7b  jne 3Ah
;;|   81  mov eax, [rbp-28h]                   @65
;;|   84  mov r14, [rbp-8]
;;|   88  mov rbx, [rbp-10h]
;;|   8c  mov r12, [rbp-18h]
;;|   90  mov r13, [rbp-20h]
;;|   94  leave
;;|   95  ret
;;|   96  mov r10, rdi                         @25
;;|   99  mov rdi, r14
;;|   9c  mov r11, [r14+8]
;;|   a0  call qword ptr [r11]
;;|   a3  mov rdi, r10
;;|   a6  jmp 3Ah
;;|   ab  mov r10, rdi                         @28
;;|   ae  mov rdi, r14
;;|   b1  mov r11, [r14+8]
;;|   b5  call qword ptr [r11]
;;|   b8  mov rdi, r10
;;|   bb  jmp 47h
;;|   c0  mov r10, rdi                         @34
;;|   c3  mov rdi, r14
;;|   c6  mov r11, [r14+8]
;;|   ca  call qword ptr [r11]
;;|   cd  mov rdi, r10
;;|   d0  jmp 57h
