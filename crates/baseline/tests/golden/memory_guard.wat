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
;;= function 0, frame of 32 bytes
;;|    0  push rbp                             @42
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 42h
;;|   28  mov r15, [r14+20h]
;;|   2c  mov eax, [r15+rbx+1FFFFFFh]          @45 MemoryOutOfBounds
;;|   34  mov r14, [rbp-8]                     @51
;;|   38  mov r15, [rbp-10h]
;;|   3c  mov rbx, [rbp-18h]
;;|   40  leave
;;|   41  ret
;;|   42  mov r10, rdi                         @42
;;|   45  mov rdi, r14
;;|   48  mov r11, [r14+8]
;;|   4c  call qword ptr [r11]
;;|   4f  mov rdi, r10
;;|   52  jmp 28h
;;= function 1, frame of 32 bytes
;;|    0  push rbp                             @53
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 57h
;;|   28  mov r15, [r14+20h]
;;|   2c  lea r10, [rbx+2000004h]              @56
;;|   33  mov r11, [r14+28h]
;;|   37  cmp r10, [r11+8]
;;|   3b  ja 6Ch
;;|   41  mov eax, [r15+rbx+2000000h]          MemoryOutOfBounds
;;|   49  mov r14, [rbp-8]                     @62
;;|   4d  mov r15, [rbp-10h]
;;|   51  mov rbx, [rbp-18h]
;;|   55  leave
;;|   56  ret
;;|   57  mov r10, rdi                         @53
;;|   5a  mov rdi, r14
;;|   5d  mov r11, [r14+8]
;;|   61  call qword ptr [r11]
;;|   64  mov rdi, r10
;;|   67  jmp 28h
;;|   6c  hlt                                  @56 MemoryOutOfBounds
;;= function 2, frame of 32 bytes
;;|    0  push rbp                             @64
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r11, [r14]
;;|   1f  cmp rsp, [r11]
;;|   22  jb 62h
;;|   28  mov r15, [r14+20h]
;;|   2c  mov r10, 100000003h                  @67
;;|   36  add r10, rbx
;;|   39  mov r11, [r14+28h]
;;|   3d  cmp r10, [r11+8]
;;|   41  ja 77h
;;|   47  mov r10d, 0FFFFFFFFh
;;|   4d  add r10, rbx
;;|   50  mov eax, [r15+r10]                   MemoryOutOfBounds
;;|   54  mov r14, [rbp-8]                     @74
;;|   58  mov r15, [rbp-10h]
;;|   5c  mov rbx, [rbp-18h]
;;|   60  leave
;;|   61  ret
;;|   62  mov r10, rdi                         @64
;;|   65  mov rdi, r14
;;|   68  mov r11, [r14+8]
;;|   6c  call qword ptr [r11]
;;|   6f  mov rdi, r10
;;|   72  jmp 28h
;;|   77  hlt                                  @67 MemoryOutOfBounds
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
;;|   29  jb 4Bh
;;|   2f  mov r15, [r14+20h]
;;|   33  mov [r15+rbx+2], r12w                @81 MemoryOutOfBounds
;;|   39  mov r14, [rbp-8]                     @84
;;|   3d  mov r15, [rbp-10h]
;;|   41  mov rbx, [rbp-18h]
;;|   45  mov r12, [rbp-20h]
;;|   49  leave
;;|   4a  ret
;;|   4b  mov r10, rdi                         @76
;;|   4e  mov rdi, r14
;;|   51  mov r11, [r14+8]
;;|   55  call qword ptr [r11]
;;|   58  mov rdi, r10
;;|   5b  jmp 2Fh
;;= function 4, frame of 32 bytes
;;|    0  push rbp                             @86
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov r14, rdi
;;|   16  mov r11, [r14]
;;|   19  cmp rsp, [r11]
;;|   1c  jb 3Ch
;;|   22  mov r15, [r14+20h]
;;|   26  mov r11, [r14+28h]                   @87
;;|   2a  mov rax, [r11+8]
;;|   2e  shr rax, 10h
;;|   32  mov r14, [rbp-8]                     @89
;;|   36  mov r15, [rbp-10h]
;;|   3a  leave
;;|   3b  ret
;;|   3c  mov r10, rdi                         @86
;;|   3f  mov rdi, r14
;;|   42  mov r11, [r14+8]
;;|   46  call qword ptr [r11]
;;|   49  mov rdi, r10
;;|   4c  jmp 22h
