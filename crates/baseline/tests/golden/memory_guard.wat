;; With guard pages an access is one instruction, unless its offset is large.
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
    memory.size))
;;= function 0, frame of 48 bytes
;;|    0  push rbp                             @42
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 50h
;;|   28  mov r15, [r14+20h]
;;|   2c  mov eax, [r15+rbx+1FFFFFFh]          @45 MemoryOutOfBounds
;;|   34  sub dword ptr [r14+40h], 40h         @51
;;|   3c  js 65h
;;|   42  mov r14, [rbp-8]
;;|   46  mov r15, [rbp-10h]
;;|   4a  mov rbx, [rbp-18h]
;;|   4e  leave
;;|   4f  ret
;;|   50  mov r10, rdi                         @42
;;|   53  mov rdi, r14
;;|   56  mov r11, [r14+8]
;;|   5a  call qword ptr [r11]
;;|   5d  mov rdi, r10
;;|   60  jmp 28h
;;|   65  push r10                             @51
;;|   67  push r10
;;|   69  mov r11d, 0
;;|   6f  mov r10, [r14+8]
;;|   73  call qword ptr [r10+8]
;;|   77  pop r10
;;|   79  pop r10
;;|   7b  jmp 42h
;;= function 1, frame of 48 bytes
;;|    0  push rbp                             @53
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 65h
;;|   28  mov r15, [r14+20h]
;;|   2c  lea r10, [rbx+2000004h]              @56
;;|   33  mov r11, [r14+28h]
;;|   37  cmp r10, [r11+8]
;;|   3b  ja 7Ah
;;|   41  mov eax, [r15+rbx+2000000h]          MemoryOutOfBounds
;;|   49  sub dword ptr [r14+48h], 4Ah         @62
;;|   51  js 7Bh
;;|   57  mov r14, [rbp-8]
;;|   5b  mov r15, [rbp-10h]
;;|   5f  mov rbx, [rbp-18h]
;;|   63  leave
;;|   64  ret
;;|   65  mov r10, rdi                         @53
;;|   68  mov rdi, r14
;;|   6b  mov r11, [r14+8]
;;|   6f  call qword ptr [r11]
;;|   72  mov rdi, r10
;;|   75  jmp 28h
;;|   7a  hlt                                  @56 MemoryOutOfBounds
;;|   7b  push r10                             @62
;;|   7d  push r10
;;|   7f  mov r11d, 1
;;|   85  mov r10, [r14+8]
;;|   89  call qword ptr [r10+8]
;;|   8d  pop r10
;;|   8f  pop r10
;;|   91  jmp 57h
;;= function 2, frame of 48 bytes
;;|    0  push rbp                             @64
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 70h
;;|   28  mov r15, [r14+20h]
;;|   2c  mov r10, 100000003h                  @67
;;|   36  add r10, rbx
;;|   39  mov r11, [r14+28h]
;;|   3d  cmp r10, [r11+8]
;;|   41  ja 85h
;;|   47  mov r10d, 0FFFFFFFFh
;;|   4d  add r10, rbx
;;|   50  mov eax, [r15+r10]                   MemoryOutOfBounds
;;|   54  sub dword ptr [r14+50h], 4Fh         @74
;;|   5c  js 86h
;;|   62  mov r14, [rbp-8]
;;|   66  mov r15, [rbp-10h]
;;|   6a  mov rbx, [rbp-18h]
;;|   6e  leave
;;|   6f  ret
;;|   70  mov r10, rdi                         @64
;;|   73  mov rdi, r14
;;|   76  mov r11, [r14+8]
;;|   7a  call qword ptr [r11]
;;|   7d  mov rdi, r10
;;|   80  jmp 28h
;;|   85  hlt                                  @67 MemoryOutOfBounds
;;|   86  push r10                             @74
;;|   88  push r10
;;|   8a  mov r11d, 2
;;|   90  mov r10, [r14+8]
;;|   94  call qword ptr [r10+8]
;;|   98  pop r10
;;|   9a  pop r10
;;|   9c  jmp 62h
;;= function 3, frame of 48 bytes
;;|    0  push rbp                             @76
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov [rbp-20h], r12
;;|   1b  mov r14, rdi
;;|   1e  mov ebx, esi
;;|   20  mov r12, rdx
;;|   23  mov r11, [r14]
;;|   26  cmp rsp, [r11]
;;|   29  jb 59h
;;|   2f  mov r15, [r14+20h]
;;|   33  mov [r15+rbx+2], r12w                @81 MemoryOutOfBounds
;;|   39  sub dword ptr [r14+58h], 43h         @84
;;|   41  js 6Eh
;;|   47  mov r14, [rbp-8]
;;|   4b  mov r15, [rbp-10h]
;;|   4f  mov rbx, [rbp-18h]
;;|   53  mov r12, [rbp-20h]
;;|   57  leave
;;|   58  ret
;;|   59  mov r10, rdi                         @76
;;|   5c  mov rdi, r14
;;|   5f  mov r11, [r14+8]
;;|   63  call qword ptr [r11]
;;|   66  mov rdi, r10
;;|   69  jmp 2Fh
;;|   6e  push r10                             @84
;;|   70  push r10
;;|   72  mov r11d, 3
;;|   78  mov r10, [r14+8]
;;|   7c  call qword ptr [r10+8]
;;|   80  pop r10
;;|   82  pop r10
;;|   84  jmp 47h
;;= function 4, frame of 32 bytes
;;|    0  push rbp                             @86
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov r14, rdi
;;|   16  mov r11, [r14]
;;|   19  cmp rsp, [r11]
;;|   1c  jb 4Ah
;;|   22  mov r15, [r14+20h]
;;|   26  mov r11, [r14+28h]                   @87
;;|   2a  mov rax, [r11+8]
;;|   2e  shr rax, 10h
;;|   32  sub dword ptr [r14+60h], 40h         @89
;;|   3a  js 5Fh
;;|   40  mov r14, [rbp-8]
;;|   44  mov r15, [rbp-10h]
;;|   48  leave
;;|   49  ret
;;|   4a  mov r10, rdi                         @86
;;|   4d  mov rdi, r14
;;|   50  mov r11, [r14+8]
;;|   54  call qword ptr [r11]
;;|   57  mov rdi, r10
;;|   5a  jmp 22h
;;|   5f  push r10                             @89
;;|   61  push r10
;;|   63  mov r11d, 4
;;|   69  mov r10, [r14+8]
;;|   6d  call qword ptr [r10+8]
;;|   71  pop r10
;;|   73  pop r10
;;|   75  jmp 40h
