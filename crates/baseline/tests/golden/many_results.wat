;; The ninth result and those behind it travel in an area of the caller's frame.
(module
  (type $ten (func (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i64)))
  (func $callee (type $ten)
    (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
    (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (i64.const 9))
  (func $caller (result i32)
    call $callee
    drop
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add)
  (func $tail (type $ten)
    return_call $callee))
;;= function 0, frame of 96 bytes
;;|    0  push rbp                             @38
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 60h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov [rbp-10h], rsi
;;|   16  mov r11, [r14]
;;|   19  cmp rsp, [r11]
;;|   1c  jb 74h
;;|   22  mov r10, [rbp-10h]                   @59
;;|   26  mov dword ptr [r10], 8
;;|   2d  mov qword ptr [r10+8], 9
;;|   35  mov eax, 0
;;|   3a  mov ecx, 1
;;|   3f  mov edx, 2
;;|   44  mov esi, 3
;;|   49  mov edi, 4
;;|   4e  mov r8d, 5
;;|   54  mov r9d, 6
;;|   5a  mov r10d, 7
;;|   60  sub dword ptr [r14+30h], 53h
;;|   68  js 89h
;;|   6e  mov r14, [rbp-8]
;;|   72  leave
;;|   73  ret
;;|   74  mov r10, rdi                         @38
;;|   77  mov rdi, r14
;;|   7a  mov r11, [r14+8]
;;|   7e  call qword ptr [r11]
;;|   81  mov rdi, r10
;;|   84  jmp 22h
;;|   89  push r10                             @59
;;|   8b  push r10
;;|   8d  mov r11d, 0
;;|   93  mov r10, [r14+8]
;;|   97  call qword ptr [r10+8]
;;|   9b  pop r10
;;|   9d  pop r10
;;|   9f  jmp 6Eh
;;= function 1, frame of 112 bytes
;;|    0  push rbp                             @61
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 70h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov r11, [r14]
;;|   15  cmp rsp, [r11]
;;|   18  jb 80h
;;|   1e  lea rsi, [rbp-70h]                   @62
;;|   22  mov rdi, r14
;;|   25  call qword ptr [2Bh]                 cell 0
;;|   2b  mov eax, eax
;;|   2d  mov ecx, ecx
;;|   2f  mov edx, edx
;;|   31  mov esi, esi
;;|   33  mov edi, edi
;;|   35  mov r8d, r8d
;;|   38  mov r9d, r9d
;;|   3b  mov [rbp-50h], r10d
;;|   3f  mov r11d, [rbp-70h]
;;|   43  mov [rbp-58h], r11d
;;|   47  mov r11, [rbp-68h]
;;|   4b  mov [rbp-60h], r11
;;|   4f  mov [rbp-18h], eax                   @65
;;|   52  mov eax, [rbp-50h]
;;|   55  add eax, [rbp-58h]
;;|   58  add r9d, eax                         @66
;;|   5b  add r8d, r9d                         @67
;;|   5e  add edi, r8d                         @68
;;|   61  add esi, edi                         @69
;;|   63  add edx, esi                         @70
;;|   65  add ecx, edx                         @71
;;|   67  add ecx, [rbp-18h]                   @72
;;|   6a  mov eax, ecx                         @73
;;|   6c  sub dword ptr [r14+38h], 58h
;;|   74  js 95h
;;|   7a  mov r14, [rbp-8]
;;|   7e  leave
;;|   7f  ret
;;|   80  mov r10, rdi                         @61
;;|   83  mov rdi, r14
;;|   86  mov r11, [r14+8]
;;|   8a  call qword ptr [r11]
;;|   8d  mov rdi, r10
;;|   90  jmp 1Eh
;;|   95  push r10                             @73
;;|   97  push r10
;;|   99  mov r11d, 1
;;|   9f  mov r10, [r14+8]
;;|   a3  call qword ptr [r10+8]
;;|   a7  pop r10
;;|   a9  pop r10
;;|   ab  jmp 7Ah
;;= function 2, frame of 16 bytes
;;|    0  push rbp                             @75
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 10h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov [rbp-10h], rsi
;;|   16  mov r11, [r14]
;;|   19  cmp rsp, [r11]
;;|   1c  jb 34h
;;|   22  mov rsi, [rbp-10h]                   @76
;;|   26  mov rdi, r14
;;|   29  mov r14, [rbp-8]
;;|   2d  leave
;;|   2e  jmp qword ptr [34h]                  cell 0
;;|   34  mov r10, rdi                         @75
;;|   37  mov rdi, r14
;;|   3a  mov r11, [r14+8]
;;|   3e  call qword ptr [r11]
;;|   41  mov rdi, r10
;;|   44  jmp 22h
