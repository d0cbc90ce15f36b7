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
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r8, [rdi+28h]                    @46
;;|    8  mov r9d, esi
;;|    b  lea r10, [r9+2000003h]
;;|   12  cmp r10, [r8+8]
;;|   16  ja 2Ch
;;|   1c  mov r10, [r8]
;;|   1f  mov eax, [r10+r9+1FFFFFFh]           MemoryOutOfBounds
;;|   27  mov rsp, rbp                         @52
;;|   2a  pop rbp
;;|   2b  ret
;;|   2c  hlt                                  @46 MemoryOutOfBounds
;;= function 1, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r8, [rdi+28h]                    @57
;;|    8  mov r9d, esi
;;|    b  lea r10, [r9+2000004h]
;;|   12  cmp r10, [r8+8]
;;|   16  ja 2Ch
;;|   1c  mov r10, [r8]
;;|   1f  mov eax, [r10+r9+2000000h]           MemoryOutOfBounds
;;|   27  mov rsp, rbp                         @63
;;|   2a  pop rbp
;;|   2b  ret
;;|   2c  hlt                                  @57 MemoryOutOfBounds
;;= function 2, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r10, [rdi+28h]                   @68
;;|    8  mov edi, esi
;;|    a  mov r11, 100000003h
;;|   14  add r11, rdi
;;|   17  cmp r11, [r10+8]
;;|   1b  ja 31h
;;|   21  add rdi, [r10]
;;|   24  mov eax, 0FFFFFFFFh
;;|   29  mov eax, [rdi+rax]                   MemoryOutOfBounds
;;|   2c  mov rsp, rbp                         @75
;;|   2f  pop rbp
;;|   30  ret
;;|   31  hlt                                  @68 MemoryOutOfBounds
;;= function 3, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r8, [rdi+28h]                    @82
;;|    8  mov r9d, esi
;;|    b  lea r10, [r9+4]
;;|    f  cmp r10, [r8+8]
;;|   13  ja 27h
;;|   19  mov r10, [r8]
;;|   1c  mov [r10+r9+2], dx                   MemoryOutOfBounds
;;|   22  mov rsp, rbp                         @85
;;|   25  pop rbp
;;|   26  ret
;;|   27  hlt                                  @82 MemoryOutOfBounds
;;= function 4, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rsi, [rdi+28h]                   @88
;;|    8  mov rax, [rsi+8]
;;|    c  shr rax, 10h
;;|   10  mov rsp, rbp                         @90
;;|   13  pop rbp
;;|   14  ret
;;= function 5, frame of 32 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    8  mov [rsp], rbx
;;|    c  mov [rsp+8], r12
;;|   11  mov [rsp+10h], r13
;;|   16  mov rax, [rdi]                       @92
;;|   19  mov rax, [rax]
;;|   1c  mov rcx, rsp
;;|   1f  cmp rcx, rax
;;|   22  jb 7Ch
;;|   28  mov r13, [rdi+28h]                   @95
;;|   2c  mov ebx, esi
;;|   2e  lea r12, [rbx+4]
;;|   32  cmp r12, [r13+8]
;;|   36  ja 8Ah
;;|   3c  mov rcx, [r13]
;;|   40  mov ecx, [rcx+rbx]                   MemoryOutOfBounds
;;|   43  mov rcx, [rdi+8]                     @101
;;|   47  mov rcx, [rcx+10h]
;;|   4b  xor esi, esi
;;|   4d  mov edx, 1                           @99
;;|   52  call rcx                             @101
;;|   54  cmp r12, [r13+8]                     @106
;;|   58  ja 8Ch
;;|   5e  mov rax, [r13]
;;|   62  mov eax, [rax+rbx]                   MemoryOutOfBounds
;;|   65  mov rbx, [rsp]                       @109
;;|   69  mov r12, [rsp+8]
;;|   6e  mov r13, [rsp+10h]
;;|   73  add rsp, 20h
;;|   77  mov rsp, rbp
;;|   7a  pop rbp
;;|   7b  ret
;;|   7c  mov rax, [rdi+8]                     @92
;;|   80  mov rax, [rax]
;;|   83  call rax
;;|   85  jmp 28h
;;|   8a  hlt                                  @95 MemoryOutOfBounds
;;|   8b  int3
;;|   8c  hlt                                  @106 MemoryOutOfBounds
