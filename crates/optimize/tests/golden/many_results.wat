;; The ninth result and those behind it travel in an area of the caller's frame.
(module
  (type $ten (func (result i32 i32 i32 i32 i32 i32 i32 i32 i32 v128)))
  (func $callee (type $ten)
    (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
    (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (v128.const i64x2 0 0))
  (func $caller (result i32)
    call $callee
    drop
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add)
  (func $tail (type $ten)
    return_call $callee))
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov dword ptr [rsi], 8               @75
;;|    a  xor eax, eax                         @39
;;|    c  mov ecx, 1                           @41
;;|   11  mov edx, 2                           @43
;;|   16  mov esi, 3                           @45
;;|   1b  mov edi, 4                           @47
;;|   20  mov r8d, 5                           @49
;;|   26  mov r9d, 6                           @51
;;|   2c  mov r10d, 7                          @53
;;|   32  pxor xmm0, xmm0                      @57
;;|   36  mov rsp, rbp                         @75
;;|   39  pop rbp
;;|   3a  ret
;;= function 1, frame of 16 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 10h
;;|    8  mov rax, [rdi]                       @77
;;|    b  mov rax, [rax]
;;|    e  mov rcx, rsp
;;|   11  cmp rcx, rax
;;|   14  jb 48h
;;|   1a  lea rsi, [rsp]                       @78
;;|   1e  mov rax, [25h]                       cell 0
;;|   25  call rax
;;|   27  mov r11d, [rsp]
;;|   2b  add r10d, r11d                       @81
;;|   2e  add r9d, r10d                        @82
;;|   31  add r8d, r9d                         @83
;;|   34  add edi, r8d                         @84
;;|   37  add esi, edi                         @85
;;|   39  add edx, esi                         @86
;;|   3b  add ecx, edx                         @87
;;|   3d  add eax, ecx                         @88
;;|   3f  add rsp, 10h                         @89
;;|   43  mov rsp, rbp
;;|   46  pop rbp
;;|   47  ret
;;|   48  mov rax, [rdi+8]                     @77
;;|   4c  mov rax, [rax]
;;|   4f  call rax
;;|   51  jmp 1Ah
;;= function 2, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r9, [rdi]                        @91
;;|    7  mov r9, [r9]
;;|    a  mov r10, rsp
;;|    d  cmp r10, r9
;;|   10  jb 24h
;;|   16  mov r10, [1Dh]                       @92 cell 0
;;|   1d  mov rsp, rbp
;;|   20  pop rbp
;;|   21  jmp r10
;;|   24  mov rax, [rdi+8]                     @91
;;|   28  mov rax, [rax]
;;|   2b  call rax
;;|   2d  jmp 16h
