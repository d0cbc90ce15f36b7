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
;;|   34  jb 0A2h
;;|   3a  sub dword ptr [r14+30h], 40h         @28
;;|   42  js 0B7h
;;|   48  mov r13d, r12d                       @32
;;|   4b  sub dword ptr [r14+30h], 2Fh         @34
;;|   53  js 0CAh
;;|   59  mov eax, [rbp-28h]                   @40
;;|   5c  add eax, r13d
;;|   5f  mov [rbp-28h], eax                   @41
;;|   62  lea eax, [r13-1]                     @47
;;|   66  mov r13d, eax                        @48
;;|   69  test r13d, r13d                      @50
;;|   6c  jne 4Bh
;;|   72  lea eax, [rbx-1]                     @57
;;|   75  mov ebx, eax                         @58
;;|   77  test ebx, ebx                        @60
;;|   79  jne 3Ah
;;|   7f  mov eax, [rbp-28h]                   @65
;;|   82  sub dword ptr [r14+30h], 60h
;;|   8a  js 0DDh
;;|   90  mov r14, [rbp-8]
;;|   94  mov rbx, [rbp-10h]
;;|   98  mov r12, [rbp-18h]
;;|   9c  mov r13, [rbp-20h]
;;|   a0  leave
;;|   a1  ret
;;|   a2  mov r10, rdi                         @25
;;|   a5  mov rdi, r14
;;|   a8  mov r11, [r14+8]
;;|   ac  call qword ptr [r11]
;;|   af  mov rdi, r10
;;|   b2  jmp 3Ah
;;|   b7  mov r11d, 0                          @28
;;|   bd  mov r10, [r14+8]
;;|   c1  call qword ptr [r10+8]
;;|   c5  jmp 48h
;;|   ca  mov r11d, 0                          @34
;;|   d0  mov r10, [r14+8]
;;|   d4  call qword ptr [r10+8]
;;|   d8  jmp 59h
;;|   dd  push r10                             @65
;;|   df  push r10
;;|   e1  mov r11d, 0
;;|   e7  mov r10, [r14+8]
;;|   eb  call qword ptr [r10+8]
;;|   ef  pop r10
;;|   f1  pop r10
;;|   f3  jmp 90h
