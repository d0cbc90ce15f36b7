;; Every call reads the callee's cell right before it calls, also in loops and for tail calls.
(module
  (import "host" "first" (func $imported (param i32) (result i32)))
  (func $callee (param i32) (result i32)
    (local.get 0))
  (func $twice_in_a_loop (param i32) (result i32)
    (loop $again
      (local.set 0 (call $callee (call $callee (local.get 0))))
      (br_if $again (local.get 0)))
    (local.get 0))
  (func $import_twice (param i32) (result i32)
    (call $imported (call $imported (local.get 0))))
  (func $tail (param i32) (result i32)
    (return_call $callee (local.get 0)))
  (func $tail_import (param i32) (result i32)
    (return_call $imported (local.get 0))))
;;= function 0, frame of 32 bytes
;;|    0  push rbp                             @44
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 3Eh
;;|   24  mov eax, ebx                         @47
;;|   26  sub dword ptr [r14+40h], 39h
;;|   2e  js 53h
;;|   34  mov r14, [rbp-8]
;;|   38  mov rbx, [rbp-10h]
;;|   3c  leave
;;|   3d  ret
;;|   3e  mov r10, rdi                         @44
;;|   41  mov rdi, r14
;;|   44  mov r11, [r14+8]
;;|   48  call qword ptr [r11]
;;|   4b  mov rdi, r10
;;|   4e  jmp 24h
;;|   53  push r10                             @47
;;|   55  push r10
;;|   57  mov r11d, 0
;;|   5d  mov r10, [r14+8]
;;|   61  call qword ptr [r10+8]
;;|   65  pop r10
;;|   67  pop r10
;;|   69  jmp 34h
;;= function 1, frame of 32 bytes
;;|    0  push rbp                             @49
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 70h
;;|   24  sub dword ptr [r14+48h], 36h         @50
;;|   2c  js 85h
;;|   32  mov esi, ebx                         @54
;;|   34  mov rdi, r14
;;|   37  call qword ptr [3Dh]                 cell 0
;;|   3d  mov eax, eax
;;|   3f  mov esi, eax                         @56
;;|   41  mov rdi, r14
;;|   44  call qword ptr [4Ah]                 cell 0
;;|   4a  mov eax, eax
;;|   4c  mov ebx, eax                         @58
;;|   4e  test ebx, ebx                        @62
;;|   50  jne 24h
;;|   56  mov eax, ebx                         @67
;;|   58  sub dword ptr [r14+48h], 50h
;;|   60  js 98h
;;|   66  mov r14, [rbp-8]
;;|   6a  mov rbx, [rbp-10h]
;;|   6e  leave
;;|   6f  ret
;;|   70  mov r10, rdi                         @49
;;|   73  mov rdi, r14
;;|   76  mov r11, [r14+8]
;;|   7a  call qword ptr [r11]
;;|   7d  mov rdi, r10
;;|   80  jmp 24h
;;|   85  mov r11d, 80000001h                  @50
;;|   8b  mov r10, [r14+8]
;;|   8f  call qword ptr [r10+8]
;;|   93  jmp 32h
;;|   98  push r10                             @67
;;|   9a  push r10
;;|   9c  mov r11d, 1
;;|   a2  mov r10, [r14+8]
;;|   a6  call qword ptr [r10+8]
;;|   aa  pop r10
;;|   ac  pop r10
;;|   ae  jmp 66h
;;= function 2, frame of 32 bytes
;;|    0  push rbp                             @69
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 58h
;;|   24  mov esi, ebx                         @72
;;|   26  mov rdi, [r14+28h]
;;|   2a  mov rax, [r14+20h]
;;|   2e  call qword ptr [rax]
;;|   30  mov eax, eax
;;|   32  mov esi, eax                         @74
;;|   34  mov rdi, [r14+28h]
;;|   38  mov rax, [r14+20h]
;;|   3c  call qword ptr [rax]
;;|   3e  mov eax, eax
;;|   40  sub dword ptr [r14+50h], 46h         @76
;;|   48  js 6Dh
;;|   4e  mov r14, [rbp-8]
;;|   52  mov rbx, [rbp-10h]
;;|   56  leave
;;|   57  ret
;;|   58  mov r10, rdi                         @69
;;|   5b  mov rdi, r14
;;|   5e  mov r11, [r14+8]
;;|   62  call qword ptr [r11]
;;|   65  mov rdi, r10
;;|   68  jmp 24h
;;|   6d  push r10                             @76
;;|   6f  push r10
;;|   71  mov r11d, 2
;;|   77  mov r10, [r14+8]
;;|   7b  call qword ptr [r10+8]
;;|   7f  pop r10
;;|   81  pop r10
;;|   83  jmp 4Eh
;;= function 3, frame of 32 bytes
;;|    0  push rbp                             @78
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 38h
;;|   24  mov esi, ebx                         @81
;;|   26  mov rdi, r14
;;|   29  mov r14, [rbp-8]
;;|   2d  mov rbx, [rbp-10h]
;;|   31  leave
;;|   32  jmp qword ptr [38h]                  cell 0
;;|   38  mov r10, rdi                         @78
;;|   3b  mov rdi, r14
;;|   3e  mov r11, [r14+8]
;;|   42  call qword ptr [r11]
;;|   45  mov rdi, r10
;;|   48  jmp 24h
;;= function 4, frame of 32 bytes
;;|    0  push rbp                             @85
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 20h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], rbx
;;|   13  mov r14, rdi
;;|   16  mov ebx, esi
;;|   18  mov r11, [r14]
;;|   1b  cmp rsp, [r11]
;;|   1e  jb 39h
;;|   24  mov esi, ebx                         @88
;;|   26  mov rdi, [r14+28h]
;;|   2a  mov rax, [r14+20h]
;;|   2e  mov r14, [rbp-8]
;;|   32  mov rbx, [rbp-10h]
;;|   36  leave
;;|   37  jmp qword ptr [rax]
;;|   39  mov r10, rdi                         @85
;;|   3c  mov rdi, r14
;;|   3f  mov r11, [r14+8]
;;|   43  call qword ptr [r11]
;;|   46  mov rdi, r10
;;|   49  jmp 24h
