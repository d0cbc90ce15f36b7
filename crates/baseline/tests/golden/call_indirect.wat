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
;;|   25  jb 7Bh
;;|   2b  mov r10d, ebx                        @42
;;|   2e  mov r11, [r14+20h]
;;|   32  cmp r10, [r11+8]
;;|   36  jae 90h
;;|   3c  shl r10, 5
;;|   40  add r10, [r11]
;;|   43  mov r11d, [r14+28h]
;;|   47  cmp r11d, [r10+10h]
;;|   4b  jne 91h
;;|   51  mov esi, r12d
;;|   54  mov rdi, [r10+8]
;;|   58  mov rax, [r10]
;;|   5b  call qword ptr [rax]
;;|   5d  mov eax, eax
;;|   5f  sub dword ptr [r14+30h], 53h         @45
;;|   67  js 9Eh
;;|   6d  mov r14, [rbp-8]
;;|   71  mov rbx, [rbp-10h]
;;|   75  mov r12, [rbp-18h]
;;|   79  leave
;;|   7a  ret
;;|   7b  mov r10, rdi                         @37
;;|   7e  mov rdi, r14
;;|   81  mov r11, [r14+8]
;;|   85  call qword ptr [r11]
;;|   88  mov rdi, r10
;;|   8b  jmp 2Bh
;;|   90  hlt                                  @42 UndefinedElement
;;|   91  cmp dword ptr [r10+10h], 0           @42
;;|   96  je 9Dh
;;|   9c  hlt                                  IndirectCallTypeMismatch
;;|   9d  hlt                                  UninitializedElement
;;|   9e  push r10                             @45
;;|   a0  push r10
;;|   a2  mov r11d, 0
;;|   a8  mov r10, [r14+8]
;;|   ac  call qword ptr [r10+8]
;;|   b0  pop r10
;;|   b2  pop r10
;;|   b4  jmp 6Dh
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
