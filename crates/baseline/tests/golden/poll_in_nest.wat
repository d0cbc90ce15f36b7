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
;;|   34  jb 92h
;;|   3a  mov r11, [r14]                       @28
;;|   3d  cmp qword ptr [r11], 0
;;|   41  js 0A7h
;;|   47  mov r13d, r12d                       @32
;;|   4a  mov r11, [r14]                       @34
;;|   4d  cmp qword ptr [r11], 0
;;|   51  js 0BCh
;;|   57  mov eax, [rbp-28h]                   @40
;;|   5a  add eax, r13d
;;|   5d  mov [rbp-28h], eax                   @41
;;|   60  lea eax, [r13-1]                     @47
;;|   64  mov r13d, eax                        @48
;;|   67  test r13d, r13d                      @50
;;|   6a  jne 4Ah
;;|   70  lea eax, [rbx-1]                     @57
;;|   73  mov ebx, eax                         @58
;;|   75  test ebx, ebx                        @60
;;|   77  jne 3Ah
;;|   7d  mov eax, [rbp-28h]                   @65
;;|   80  mov r14, [rbp-8]
;;|   84  mov rbx, [rbp-10h]
;;|   88  mov r12, [rbp-18h]
;;|   8c  mov r13, [rbp-20h]
;;|   90  leave
;;|   91  ret
;;|   92  mov r10, rdi                         @25
;;|   95  mov rdi, r14
;;|   98  mov r11, [r14+8]
;;|   9c  call qword ptr [r11]
;;|   9f  mov rdi, r10
;;|   a2  jmp 3Ah
;;|   a7  mov r10, rdi                         @28
;;|   aa  mov rdi, r14
;;|   ad  mov r11, [r14+8]
;;|   b1  call qword ptr [r11]
;;|   b4  mov rdi, r10
;;|   b7  jmp 47h
;;|   bc  mov r10, rdi                         @34
;;|   bf  mov rdi, r14
;;|   c2  mov r11, [r14+8]
;;|   c6  call qword ptr [r11]
;;|   c9  mov rdi, r10
;;|   cc  jmp 57h
