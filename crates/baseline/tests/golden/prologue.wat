;; Every function checks the stack, once its parameters are saved.
(module
  (func $leaf (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func $caller (param i32) (result i32)
    (call $leaf (local.get 0) (i32.const 1))))
;;= function 0, frame of 48 bytes
;;|    0  push rbp                             @31
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
;;|   25  jb 3Dh
;;|   2b  lea eax, [rbx+r12]                   @36
;;|   2f  mov r14, [rbp-8]                     @37
;;|   33  mov rbx, [rbp-10h]
;;|   37  mov r12, [rbp-18h]
;;|   3b  leave
;;|   3c  ret
;;|   3d  mov r10, rdi                         @31
;;|   40  mov rdi, r14
;;|   43  mov r11, [r14+8]
;;|   47  call qword ptr [r11]
;;|   4a  mov rdi, r10
;;|   4d  jmp 2Bh
;;= function 1, frame of 32 bytes
;;|    0  push rbp                             @39
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 40h
;;|   24  mov esi, ebx                         @44
;;|   26  mov edx, 1
;;|   2b  mov rdi, r14
;;|   2e  call qword ptr [34h]                 cell 0
;;|   34  mov eax, eax
;;|   36  mov r14, [rbp-8]                     @46
;;|   3a  mov rbx, [rbp-10h]
;;|   3e  leave
;;|   3f  ret
;;|   40  mov r10, rdi                         @39
;;|   43  mov rdi, r14
;;|   46  mov r11, [r14+8]
;;|   4a  call qword ptr [r11]
;;|   4d  mov rdi, r10
;;|   50  jmp 24h
