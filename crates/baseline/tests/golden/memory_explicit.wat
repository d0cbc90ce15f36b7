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
;;|   1e  jb 60h
;;|   24  lea r10, [rbx+2000003h]              @46
;;|   2b  mov r11, [r14+28h]
;;|   2f  cmp r10, [r11+8]
;;|   33  ja 75h
;;|   39  mov r11, [r14+28h]
;;|   3d  mov r11, [r11]
;;|   40  mov eax, [r11+rbx+1FFFFFFh]          MemoryOutOfBounds
;;|   48  sub dword ptr [r14+40h], 4Ah         @52
;;|   50  js 76h
;;|   56  mov r14, [rbp-8]
;;|   5a  mov rbx, [rbp-10h]
;;|   5e  leave
;;|   5f  ret
;;|   60  mov r10, rdi                         @43
;;|   63  mov rdi, r14
;;|   66  mov r11, [r14+8]
;;|   6a  call qword ptr [r11]
;;|   6d  mov rdi, r10
;;|   70  jmp 24h
;;|   75  hlt                                  @46 MemoryOutOfBounds
;;|   76  push r10                             @52
;;|   78  push r10
;;|   7a  mov r11d, 0
;;|   80  mov r10, [r14+8]
;;|   84  call qword ptr [r10+8]
;;|   88  pop r10
;;|   8a  pop r10
;;|   8c  jmp 56h
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
;;|   1e  jb 60h
;;|   24  lea r10, [rbx+2000004h]              @57
;;|   2b  mov r11, [r14+28h]
;;|   2f  cmp r10, [r11+8]
;;|   33  ja 75h
;;|   39  mov r11, [r14+28h]
;;|   3d  mov r11, [r11]
;;|   40  mov eax, [r11+rbx+2000000h]          MemoryOutOfBounds
;;|   48  sub dword ptr [r14+48h], 4Ah         @63
;;|   50  js 76h
;;|   56  mov r14, [rbp-8]
;;|   5a  mov rbx, [rbp-10h]
;;|   5e  leave
;;|   5f  ret
;;|   60  mov r10, rdi                         @54
;;|   63  mov rdi, r14
;;|   66  mov r11, [r14+8]
;;|   6a  call qword ptr [r11]
;;|   6d  mov rdi, r10
;;|   70  jmp 24h
;;|   75  hlt                                  @57 MemoryOutOfBounds
;;|   76  push r10                             @63
;;|   78  push r10
;;|   7a  mov r11d, 1
;;|   80  mov r10, [r14+8]
;;|   84  call qword ptr [r10+8]
;;|   88  pop r10
;;|   8a  pop r10
;;|   8c  jmp 56h
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
;;|   1e  jb 6Bh
;;|   24  mov r10, 100000003h                  @68
;;|   2e  add r10, rbx
;;|   31  mov r11, [r14+28h]
;;|   35  cmp r10, [r11+8]
;;|   39  ja 80h
;;|   3f  mov r11, [r14+28h]
;;|   43  mov r11, [r11]
;;|   46  mov r10d, 0FFFFFFFFh
;;|   4c  add r10, rbx
;;|   4f  mov eax, [r11+r10]                   MemoryOutOfBounds
;;|   53  sub dword ptr [r14+50h], 4Eh         @75
;;|   5b  js 81h
;;|   61  mov r14, [rbp-8]
;;|   65  mov rbx, [rbp-10h]
;;|   69  leave
;;|   6a  ret
;;|   6b  mov r10, rdi                         @65
;;|   6e  mov rdi, r14
;;|   71  mov r11, [r14+8]
;;|   75  call qword ptr [r11]
;;|   78  mov rdi, r10
;;|   7b  jmp 24h
;;|   80  hlt                                  @68 MemoryOutOfBounds
;;|   81  push r10                             @75
;;|   83  push r10
;;|   85  mov r11d, 2
;;|   8b  mov r10, [r14+8]
;;|   8f  call qword ptr [r10+8]
;;|   93  pop r10
;;|   95  pop r10
;;|   97  jmp 61h
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
;;|   25  jb 66h
;;|   2b  lea r10, [rbx+4]                     @82
;;|   2f  mov r11, [r14+28h]
;;|   33  cmp r10, [r11+8]
;;|   37  ja 7Bh
;;|   3d  mov r11, [r14+28h]
;;|   41  mov r11, [r11]
;;|   44  mov [r11+rbx+2], r12w                MemoryOutOfBounds
;;|   4a  sub dword ptr [r14+58h], 4Bh         @85
;;|   52  js 7Ch
;;|   58  mov r14, [rbp-8]
;;|   5c  mov rbx, [rbp-10h]
;;|   60  mov r12, [rbp-18h]
;;|   64  leave
;;|   65  ret
;;|   66  mov r10, rdi                         @77
;;|   69  mov rdi, r14
;;|   6c  mov r11, [r14+8]
;;|   70  call qword ptr [r11]
;;|   73  mov rdi, r10
;;|   76  jmp 2Bh
;;|   7b  hlt                                  @82 MemoryOutOfBounds
;;|   7c  push r10                             @85
;;|   7e  push r10
;;|   80  mov r11d, 3
;;|   86  mov r10, [r14+8]
;;|   8a  call qword ptr [r10+8]
;;|   8e  pop r10
;;|   90  pop r10
;;|   92  jmp 58h
;;= function 4, frame of 32 bytes
;;|    0  push rbp                             @87
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov r11, [r14]
;;|   15  cmp rsp, [r11]
;;|   18  jb 3Eh
;;|   1e  mov r11, [r14+28h]                   @88
;;|   22  mov rax, [r11+8]
;;|   26  shr rax, 10h
;;|   2a  sub dword ptr [r14+60h], 3Bh         @90
;;|   32  js 53h
;;|   38  mov r14, [rbp-8]
;;|   3c  leave
;;|   3d  ret
;;|   3e  mov r10, rdi                         @87
;;|   41  mov rdi, r14
;;|   44  mov r11, [r14+8]
;;|   48  call qword ptr [r11]
;;|   4b  mov rdi, r10
;;|   4e  jmp 1Eh
;;|   53  push r10                             @90
;;|   55  push r10
;;|   57  mov r11d, 4
;;|   5d  mov r10, [r14+8]
;;|   61  call qword ptr [r10+8]
;;|   65  pop r10
;;|   67  pop r10
;;|   69  jmp 38h
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
;;|   1e  jb 8Ch
;;|   24  lea r10, [rbx+4]                     @95
;;|   28  mov r11, [r14+28h]
;;|   2c  cmp r10, [r11+8]
;;|   30  ja 0A1h
;;|   36  mov r11, [r14+28h]
;;|   3a  mov r11, [r11]
;;|   3d  mov eax, [r11+rbx]                   MemoryOutOfBounds
;;|   41  mov esi, 0                           @101
;;|   46  mov edx, 1
;;|   4b  mov rdi, r14
;;|   4e  mov rax, [r14+8]
;;|   52  call qword ptr [rax+10h]
;;|   55  mov eax, eax
;;|   57  lea r10, [rbx+4]                     @106
;;|   5b  mov r11, [r14+28h]
;;|   5f  cmp r10, [r11+8]
;;|   63  ja 0A2h
;;|   69  mov r11, [r14+28h]
;;|   6d  mov r11, [r11]
;;|   70  mov eax, [r11+rbx]                   MemoryOutOfBounds
;;|   74  sub dword ptr [r14+68h], 5Bh         @109
;;|   7c  js 0A3h
;;|   82  mov r14, [rbp-8]
;;|   86  mov rbx, [rbp-10h]
;;|   8a  leave
;;|   8b  ret
;;|   8c  mov r10, rdi                         @92
;;|   8f  mov rdi, r14
;;|   92  mov r11, [r14+8]
;;|   96  call qword ptr [r11]
;;|   99  mov rdi, r10
;;|   9c  jmp 24h
;;|   a1  hlt                                  @95 MemoryOutOfBounds
;;|   a2  hlt                                  @106 MemoryOutOfBounds
;;|   a3  push r10                             @109
;;|   a5  push r10
;;|   a7  mov r11d, 5
;;|   ad  mov r10, [r14+8]
;;|   b1  call qword ptr [r10+8]
;;|   b5  pop r10
;;|   b7  pop r10
;;|   b9  jmp 82h
