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
;;|   1e  jb 30h
;;|   24  mov eax, ebx                         @47
;;|   26  mov r14, [rbp-8]
;;|   2a  mov rbx, [rbp-10h]
;;|   2e  leave
;;|   2f  ret
;;|   30  mov r10, rdi                         @44
;;|   33  mov rdi, r14
;;|   36  mov r11, [r14+8]
;;|   3a  call qword ptr [r11]
;;|   3d  mov rdi, r10
;;|   40  jmp 24h
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
;;|   1e  jb 61h
;;|   24  mov r11, [r14]                       @50
;;|   27  cmp qword ptr [r11], 0
;;|   2b  js 76h
;;|   31  mov esi, ebx                         @54
;;|   33  mov rdi, r14
;;|   36  call qword ptr [3Ch]                 cell 0
;;|   3c  mov eax, eax
;;|   3e  mov esi, eax                         @56
;;|   40  mov rdi, r14
;;|   43  call qword ptr [49h]                 cell 0
;;|   49  mov eax, eax
;;|   4b  mov ebx, eax                         @58
;;|   4d  test ebx, ebx                        @62
;;|   4f  jne 24h
;;|   55  mov eax, ebx                         @67
;;|   57  mov r14, [rbp-8]
;;|   5b  mov rbx, [rbp-10h]
;;|   5f  leave
;;|   60  ret
;;|   61  mov r10, rdi                         @49
;;|   64  mov rdi, r14
;;|   67  mov r11, [r14+8]
;;|   6b  call qword ptr [r11]
;;|   6e  mov rdi, r10
;;|   71  jmp 24h
;;|   76  mov r10, rdi                         @50
;;|   79  mov rdi, r14
;;|   7c  mov r11, [r14+8]
;;|   80  call qword ptr [r11]
;;|   83  mov rdi, r10
;;|   86  jmp 31h
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
;;|   1e  jb 4Ah
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
;;|   40  mov r14, [rbp-8]                     @76
;;|   44  mov rbx, [rbp-10h]
;;|   48  leave
;;|   49  ret
;;|   4a  mov r10, rdi                         @69
;;|   4d  mov rdi, r14
;;|   50  mov r11, [r14+8]
;;|   54  call qword ptr [r11]
;;|   57  mov rdi, r10
;;|   5a  jmp 24h
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
