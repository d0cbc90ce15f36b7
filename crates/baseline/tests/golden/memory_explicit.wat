;;! memory = explicit
;; Without guard pages every access is checked, and the base is never kept across a call.
(module
  (memory 1)
  (func (param i32) (result i32)
    (i32.load offset=33554431 (local.get 0)))
  (func (param i32) (result i32)
    (i32.load offset=33554432 (local.get 0)))
  (func (param i32) (result i32)
    (i32.load offset=4294967295 (local.get 0)))
  (func (param i32 i64)
    (i64.store16 offset=2 (local.get 0) (local.get 1)))
  (func (result i32)
    memory.size)
  (func (param i32) (result i32)
    (drop (i32.load (local.get 0)))
    (drop (memory.grow (i32.const 1)))
    (i32.load (local.get 0))))
;;= function 0, frame of 32 bytes
;;|    0  push rbp                             @43
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 52h
;;|   24  lea r10, [rbx+2000003h]              @46
;;|   2b  mov r11, [r14+28h]
;;|   2f  cmp r10, [r11+8]
;;|   33  ja 67h
;;|   39  mov r11, [r14+28h]
;;|   3d  mov r11, [r11]
;;|   40  mov eax, [r11+rbx+1FFFFFFh]          MemoryOutOfBounds
;;|   48  mov r14, [rbp-8]                     @52
;;|   4c  mov rbx, [rbp-10h]
;;|   50  leave
;;|   51  ret
;;|   52  mov r10, rdi                         @43
;;|   55  mov rdi, r14
;;|   58  mov r11, [r14+8]
;;|   5c  call qword ptr [r11]
;;|   5f  mov rdi, r10
;;|   62  jmp 24h
;;|   67  hlt                                  @46 MemoryOutOfBounds
;;= function 1, frame of 32 bytes
;;|    0  push rbp                             @54
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 52h
;;|   24  lea r10, [rbx+2000004h]              @57
;;|   2b  mov r11, [r14+28h]
;;|   2f  cmp r10, [r11+8]
;;|   33  ja 67h
;;|   39  mov r11, [r14+28h]
;;|   3d  mov r11, [r11]
;;|   40  mov eax, [r11+rbx+2000000h]          MemoryOutOfBounds
;;|   48  mov r14, [rbp-8]                     @63
;;|   4c  mov rbx, [rbp-10h]
;;|   50  leave
;;|   51  ret
;;|   52  mov r10, rdi                         @54
;;|   55  mov rdi, r14
;;|   58  mov r11, [r14+8]
;;|   5c  call qword ptr [r11]
;;|   5f  mov rdi, r10
;;|   62  jmp 24h
;;|   67  hlt                                  @57 MemoryOutOfBounds
;;= function 2, frame of 32 bytes
;;|    0  push rbp                             @65
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 5Dh
;;|   24  mov r10, 100000003h                  @68
;;|   2e  add r10, rbx
;;|   31  mov r11, [r14+28h]
;;|   35  cmp r10, [r11+8]
;;|   39  ja 72h
;;|   3f  mov r11, [r14+28h]
;;|   43  mov r11, [r11]
;;|   46  mov r10d, 0FFFFFFFFh
;;|   4c  add r10, rbx
;;|   4f  mov eax, [r11+r10]                   MemoryOutOfBounds
;;|   53  mov r14, [rbp-8]                     @75
;;|   57  mov rbx, [rbp-10h]
;;|   5b  leave
;;|   5c  ret
;;|   5d  mov r10, rdi                         @65
;;|   60  mov rdi, r14
;;|   63  mov r11, [r14+8]
;;|   67  call qword ptr [r11]
;;|   6a  mov rdi, r10
;;|   6d  jmp 24h
;;|   72  hlt                                  @68 MemoryOutOfBounds
;;= function 3, frame of 48 bytes
;;|    0  push rbp                             @77
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov [rbp-18h], r12
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r12, rdx
;;|   1f  mov r11, [r14]
;;|   22  cmp rsp, [r11]
;;|   25  jb 58h
;;|   2b  lea r10, [rbx+4]                     @82
;;|   2f  mov r11, [r14+28h]
;;|   33  cmp r10, [r11+8]
;;|   37  ja 6Dh
;;|   3d  mov r11, [r14+28h]
;;|   41  mov r11, [r11]
;;|   44  mov [r11+rbx+2], r12w                MemoryOutOfBounds
;;|   4a  mov r14, [rbp-8]                     @85
;;|   4e  mov rbx, [rbp-10h]
;;|   52  mov r12, [rbp-18h]
;;|   56  leave
;;|   57  ret
;;|   58  mov r10, rdi                         @77
;;|   5b  mov rdi, r14
;;|   5e  mov r11, [r14+8]
;;|   62  call qword ptr [r11]
;;|   65  mov rdi, r10
;;|   68  jmp 2Bh
;;|   6d  hlt                                  @82 MemoryOutOfBounds
;;= function 4, frame of 16 bytes
;;|    0  push rbp                             @87
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 10h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov r11, [r14]
;;|   15  cmp rsp, [r11]
;;|   18  jb 30h
;;|   1e  mov r11, [r14+28h]                   @88
;;|   22  mov rax, [r11+8]
;;|   26  shr rax, 10h
;;|   2a  mov r14, [rbp-8]                     @90
;;|   2e  leave
;;|   2f  ret
;;|   30  mov r10, rdi                         @87
;;|   33  mov rdi, r14
;;|   36  mov r11, [r14+8]
;;|   3a  call qword ptr [r11]
;;|   3d  mov rdi, r10
;;|   40  jmp 1Eh
;;= function 5, frame of 32 bytes
;;|    0  push rbp                             @92
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 7Eh
;;|   24  lea r10, [rbx+4]                     @95
;;|   28  mov r11, [r14+28h]
;;|   2c  cmp r10, [r11+8]
;;|   30  ja 93h
;;|   36  mov r11, [r14+28h]
;;|   3a  mov r11, [r11]
;;|   3d  mov eax, [r11+rbx]                   MemoryOutOfBounds
;;|   41  mov esi, 0                           @101
;;|   46  mov edx, 1
;;|   4b  mov rdi, r14
;;|   4e  mov rax, [r14+8]
;;|   52  call qword ptr [rax+8]
;;|   55  mov eax, eax
;;|   57  lea r10, [rbx+4]                     @106
;;|   5b  mov r11, [r14+28h]
;;|   5f  cmp r10, [r11+8]
;;|   63  ja 94h
;;|   69  mov r11, [r14+28h]
;;|   6d  mov r11, [r11]
;;|   70  mov eax, [r11+rbx]                   MemoryOutOfBounds
;;|   74  mov r14, [rbp-8]                     @109
;;|   78  mov rbx, [rbp-10h]
;;|   7c  leave
;;|   7d  ret
;;|   7e  mov r10, rdi                         @92
;;|   81  mov rdi, r14
;;|   84  mov r11, [r14+8]
;;|   88  call qword ptr [r11]
;;|   8b  mov rdi, r10
;;|   8e  jmp 24h
;;|   93  hlt                                  @95 MemoryOutOfBounds
;;|   94  hlt                                  @106 MemoryOutOfBounds
