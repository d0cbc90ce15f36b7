;; Bounds, then one compare of the type id; why it failed is found out behind the hot path.
(module
  (type $unary (func (param i32) (result i32)))
  (table 10 funcref)
  (func (param $index i32) (param $x i32) (result i32)
    (call_indirect (type $unary) (local.get $x) (local.get $index)))
  (func (param $index i32) (param $x i32) (result i32)
    (return_call_indirect (type $unary) (local.get $x) (local.get $index))))
;;= function 0, frame of 48 bytes
;;|    0  push rbp                             @37
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov [rbp-18h], r12
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r12d, edx
;;|   1f  mov r11, [r14]
;;|   22  cmp rsp, [r11]
;;|   25  jb 6Dh
;;|   2b  mov r10d, ebx                        @42
;;|   2e  mov r11, [r14+20h]
;;|   32  cmp r10, [r11+8]
;;|   36  jae 82h
;;|   3c  shl r10, 5
;;|   40  add r10, [r11]
;;|   43  mov r11d, [r14+28h]
;;|   47  cmp r11d, [r10+10h]
;;|   4b  jne 83h
;;|   51  mov esi, r12d
;;|   54  mov rdi, [r10+8]
;;|   58  mov rax, [r10]
;;|   5b  call qword ptr [rax]
;;|   5d  mov eax, eax
;;|   5f  mov r14, [rbp-8]                     @45
;;|   63  mov rbx, [rbp-10h]
;;|   67  mov r12, [rbp-18h]
;;|   6b  leave
;;|   6c  ret
;;|   6d  mov r10, rdi                         @37
;;|   70  mov rdi, r14
;;|   73  mov r11, [r14+8]
;;|   77  call qword ptr [r11]
;;|   7a  mov rdi, r10
;;|   7d  jmp 2Bh
;;|   82  hlt                                  @42 UndefinedElement
;;|   83  cmp dword ptr [r10+10h], 0           @42
;;|   88  je 8Fh
;;|   8e  hlt                                  IndirectCallTypeMismatch
;;|   8f  hlt                                  UninitializedElement
;;= function 1, frame of 48 bytes
;;|    0  push rbp                             @47
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov [rbp-18h], r12
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  mov r12d, edx
;;|   1f  mov r11, [r14]
;;|   22  cmp rsp, [r11]
;;|   25  jb 6Ah
;;|   2b  mov r10d, ebx                        @52
;;|   2e  mov r11, [r14+20h]
;;|   32  cmp r10, [r11+8]
;;|   36  jae 7Fh
;;|   3c  shl r10, 5
;;|   40  add r10, [r11]
;;|   43  mov r11d, [r14+28h]
;;|   47  cmp r11d, [r10+10h]
;;|   4b  jne 80h
;;|   51  mov esi, r12d
;;|   54  mov rdi, [r10+8]
;;|   58  mov rax, [r10]
;;|   5b  mov r14, [rbp-8]
;;|   5f  mov rbx, [rbp-10h]
;;|   63  mov r12, [rbp-18h]
;;|   67  leave
;;|   68  jmp qword ptr [rax]
;;|   6a  mov r10, rdi                         @47
;;|   6d  mov rdi, r14
;;|   70  mov r11, [r14+8]
;;|   74  call qword ptr [r11]
;;|   77  mov rdi, r10
;;|   7a  jmp 2Bh
;;|   7f  hlt                                  @52 UndefinedElement
;;|   80  cmp dword ptr [r10+10h], 0           @52
;;|   85  je 8Ch
;;|   8b  hlt                                  IndirectCallTypeMismatch
;;|   8c  hlt                                  UninitializedElement
