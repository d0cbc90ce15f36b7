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
;;|   25  jb 4Bh
;;|   2b  lea eax, [rbx+r12]                   @36
;;|   2f  sub dword ptr [r14+30h], 3Eh         @37
;;|   37  js 60h
;;|   3d  mov r14, [rbp-8]
;;|   41  mov rbx, [rbp-10h]
;;|   45  mov r12, [rbp-18h]
;;|   49  leave
;;|   4a  ret
;;|   4b  mov r10, rdi                         @31
;;|   4e  mov rdi, r14
;;|   51  mov r11, [r14+8]
;;|   55  call qword ptr [r11]
;;|   58  mov rdi, r10
;;|   5b  jmp 2Bh
;;|   60  push r10                             @37
;;|   62  push r10
;;|   64  mov r11d, 0
;;|   6a  mov r10, [r14+8]
;;|   6e  call qword ptr [r10+8]
;;|   72  pop r10
;;|   74  pop r10
;;|   76  jmp 3Dh
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
;;|   1e  jb 4Eh
;;|   24  mov esi, ebx                         @44
;;|   26  mov edx, 1
;;|   2b  mov rdi, r14
;;|   2e  call qword ptr [34h]                 cell 0
;;|   34  mov eax, eax
;;|   36  sub dword ptr [r14+38h], 41h         @46
;;|   3e  js 63h
;;|   44  mov r14, [rbp-8]
;;|   48  mov rbx, [rbp-10h]
;;|   4c  leave
;;|   4d  ret
;;|   4e  mov r10, rdi                         @39
;;|   51  mov rdi, r14
;;|   54  mov r11, [r14+8]
;;|   58  call qword ptr [r11]
;;|   5b  mov rdi, r10
;;|   5e  jmp 24h
;;|   63  push r10                             @46
;;|   65  push r10
;;|   67  mov r11d, 1
;;|   6d  mov r10, [r14+8]
;;|   71  call qword ptr [r10+8]
;;|   75  pop r10
;;|   77  pop r10
;;|   79  jmp 44h
