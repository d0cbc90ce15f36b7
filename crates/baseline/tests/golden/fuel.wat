;;! fuel
;; Fuel is taken once for each run of operators.
(module
  (import "host" "see" (func $see (param i32)))
  (memory 1)
  (func (param i32) (result i32)
    (loop
      (i32.store (local.get 0) (i32.const 7))
      (call $see (local.get 0))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 4)))))
    (local.get 0)))
;;= function 0, frame of 48 bytes
;;|    0  push rbp                             @47
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 0B1h
;;|   28  mov r15, [r14+20h]
;;|   2c  mov r11, [r14]                       @48
;;|   2f  sub qword ptr [r11+40h], 1
;;|   34  jb 0C6h
;;|   3a  sub dword ptr [r14+50h], 43h
;;|   42  js 0C7h
;;|   48  mov r11, [r14]                       @50
;;|   4b  sub qword ptr [r11+40h], 5
;;|   50  jb 0DAh
;;|   56  mov dword ptr [r15+rbx], 7           @54 MemoryOutOfBounds
;;|   5e  mov esi, ebx                         @59
;;|   60  mov rdi, [r14+38h]
;;|   64  mov rax, [r14+30h]
;;|   68  call qword ptr [rax]
;;|   6a  mov r11, [r14]                       @61
;;|   6d  sub qword ptr [r11+40h], 5
;;|   72  jb 0DBh
;;|   78  lea eax, [rbx-4]                     @65
;;|   7b  mov ebx, eax                         @66
;;|   7d  test ebx, ebx                        @68
;;|   7f  jne 3Ah
;;|   85  mov r11, [r14]                       @71
;;|   88  sub qword ptr [r11+40h], 1
;;|   8d  jb 0DCh
;;|   93  mov eax, ebx                         @73
;;|   95  sub dword ptr [r14+50h], 66h
;;|   9d  js 0DDh
;;|   a3  mov r14, [rbp-8]
;;|   a7  mov r15, [rbp-10h]
;;|   ab  mov rbx, [rbp-18h]
;;|   af  leave
;;|   b0  ret
;;|   b1  mov r10, rdi                         @47
;;|   b4  mov rdi, r14
;;|   b7  mov r11, [r14+8]
;;|   bb  call qword ptr [r11]
;;|   be  mov rdi, r10
;;|   c1  jmp 28h
;;|   c6  hlt                                  @48 OutOfFuel
;;|   c7  mov r11d, 0                          @48
;;|   cd  mov r10, [r14+8]
;;|   d1  call qword ptr [r10+8]
;;|   d5  jmp 48h
;;|   da  hlt                                  @50 OutOfFuel
;;|   db  hlt                                  @61 OutOfFuel
;;|   dc  hlt                                  @71 OutOfFuel
;;|   dd  push r10                             @73
;;|   df  push r10
;;|   e1  mov r11d, 0
;;|   e7  mov r10, [r14+8]
;;|   eb  call qword ptr [r10+8]
;;|   ef  pop r10
;;|   f1  pop r10
;;|   f3  jmp 0A3h
