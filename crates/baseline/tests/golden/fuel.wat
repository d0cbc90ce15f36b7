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
;;|   22  jb 0AFh
;;|   28  mov r15, [r14+20h]
;;|   2c  mov r11, [r14]                       @48
;;|   2f  sub qword ptr [r11+40h], 1
;;|   34  jb 0C4h
;;|   3a  sub dword ptr [r14+50h], 42h
;;|   42  js 0C5h
;;|   48  mov r11, [r14]                       @50
;;|   4b  sub qword ptr [r11+40h], 5
;;|   50  jb 0D8h
;;|   56  mov dword ptr [r15+rbx], 7           @54 MemoryOutOfBounds
;;|   5e  mov esi, ebx                         @59
;;|   60  mov rdi, [r14+38h]
;;|   64  mov rax, [r14+30h]
;;|   68  call qword ptr [rax]
;;|   6a  mov r11, [r14]                       @61
;;|   6d  sub qword ptr [r11+40h], 5
;;|   72  jb 0D9h
;;|   78  lea ebx, [rbx-4]                     @65
;;|   7b  test ebx, ebx                        @68
;;|   7d  jne 3Ah
;;|   83  mov r11, [r14]                       @71
;;|   86  sub qword ptr [r11+40h], 1
;;|   8b  jb 0DAh
;;|   91  mov eax, ebx                         @73
;;|   93  sub dword ptr [r14+50h], 65h
;;|   9b  js 0DBh
;;|   a1  mov r14, [rbp-8]
;;|   a5  mov r15, [rbp-10h]
;;|   a9  mov rbx, [rbp-18h]
;;|   ad  leave
;;|   ae  ret
;;|   af  mov r10, rdi                         @47
;;|   b2  mov rdi, r14
;;|   b5  mov r11, [r14+8]
;;|   b9  call qword ptr [r11]
;;|   bc  mov rdi, r10
;;|   bf  jmp 28h
;;|   c4  hlt                                  @48 OutOfFuel
;;|   c5  mov r11d, 80000000h                  @48
;;|   cb  mov r10, [r14+8]
;;|   cf  call qword ptr [r10+8]
;;|   d3  jmp 48h
;;|   d8  hlt                                  @50 OutOfFuel
;;|   d9  hlt                                  @61 OutOfFuel
;;|   da  hlt                                  @71 OutOfFuel
;;|   db  push r10                             @73
;;|   dd  push r10
;;|   df  mov r11d, 0
;;|   e5  mov r10, [r14+8]
;;|   e9  call qword ptr [r10+8]
;;|   ed  pop r10
;;|   ef  pop r10
;;|   f1  jmp 0A1h
