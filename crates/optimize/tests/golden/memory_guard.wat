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
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rdi, [rdi+20h]                   @45
;;|    8  mov esi, esi
;;|    a  mov eax, [rdi+rsi+1FFFFFFh]          MemoryOutOfBounds
;;|   11  mov rsp, rbp                         @51
;;|   14  pop rbp
;;|   15  ret
;;= function 1, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r9, [rdi+28h]                    @56
;;|    8  mov r8d, esi
;;|    b  lea r10, [r8+2000004h]
;;|   12  cmp r10, [r9+8]
;;|   16  ja 2Dh
;;|   1c  mov r10, [rdi+20h]
;;|   20  mov eax, [r10+r8+2000000h]           MemoryOutOfBounds
;;|   28  mov rsp, rbp                         @62
;;|   2b  pop rbp
;;|   2c  ret
;;|   2d  hlt                                  @56 MemoryOutOfBounds
;;= function 2, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r10, [rdi+28h]                   @67
;;|    8  mov r8d, esi
;;|    b  mov r11, 100000003h
;;|   15  add r11, r8
;;|   18  cmp r11, [r10+8]
;;|   1c  ja 34h
;;|   22  add r8, [rdi+20h]
;;|   26  mov eax, 0FFFFFFFFh
;;|   2b  mov eax, [r8+rax]                    MemoryOutOfBounds
;;|   2f  mov rsp, rbp                         @74
;;|   32  pop rbp
;;|   33  ret
;;|   34  hlt                                  @67 MemoryOutOfBounds
;;= function 3, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rdi, [rdi+20h]                   @81
;;|    8  mov esi, esi
;;|    a  mov [rdi+rsi+2], dx                  MemoryOutOfBounds
;;|    f  mov rsp, rbp                         @84
;;|   12  pop rbp
;;|   13  ret
;;= function 4, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rsi, [rdi+28h]                   @87
;;|    8  mov rax, [rsi+8]
;;|    c  shr rax, 10h
;;|   10  mov rsp, rbp                         @89
;;|   13  pop rbp
;;|   14  ret
