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
;;|   34  jb 9Dh
;;|   3a  sub dword ptr [r14+30h], 3Dh         @28
;;|   42  js 0B2h
;;|   48  mov r13d, r12d                       @32
;;|   4b  sub dword ptr [r14+30h], 2Dh         @34
;;|   53  js 0C5h
;;|   59  mov eax, [rbp-28h]                   @40
;;|   5c  add eax, r13d
;;|   5f  mov [rbp-28h], eax                   @41
;;|   62  lea r13d, [r13-1]                    @47
;;|   66  test r13d, r13d                      @50
;;|   69  jne 4Bh
;;|   6f  lea ebx, [rbx-1]                     @57
;;|   72  test ebx, ebx                        @60
;;|   74  jne 3Ah
;;|   7a  mov eax, [rbp-28h]                   @65
;;|   7d  sub dword ptr [r14+30h], 5Eh
;;|   85  js 0D8h
;;|   8b  mov r14, [rbp-8]
;;|   8f  mov rbx, [rbp-10h]
;;|   93  mov r12, [rbp-18h]
;;|   97  mov r13, [rbp-20h]
;;|   9b  leave
;;|   9c  ret
;;|   9d  mov r10, rdi                         @25
;;|   a0  mov rdi, r14
;;|   a3  mov r11, [r14+8]
;;|   a7  call qword ptr [r11]
;;|   aa  mov rdi, r10
;;|   ad  jmp 3Ah
;;|   b2  mov r11d, 80000000h                  @28
;;|   b8  mov r10, [r14+8]
;;|   bc  call qword ptr [r10+8]
;;|   c0  jmp 48h
;;|   c5  mov r11d, 80000000h                  @34
;;|   cb  mov r10, [r14+8]
;;|   cf  call qword ptr [r10+8]
;;|   d3  jmp 59h
;;|   d8  push r10                             @65
;;|   da  push r10
;;|   dc  mov r11d, 0
;;|   e2  mov r10, [r14+8]
;;|   e6  call qword ptr [r10+8]
;;|   ea  pop r10
;;|   ec  pop r10
;;|   ee  jmp 8Bh
