;; Bounds, then one compare of the type id; why it failed is found out behind the hot path.
(module
  (type $unary (func (param i32) (result i32)))
  (table 10 funcref)
  (func (param $index i32) (param $x i32) (result i32)
    (call_indirect (type $unary) (local.get $x) (local.get $index)))
  (func (param $index i32) (param $x i32) (result i32)
    (return_call_indirect (type $unary) (local.get $x) (local.get $index))))
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r8, rdx
;;|    7  mov rax, [rdi]                       @37
;;|    a  mov rax, [rax]
;;|    d  mov rcx, rsp
;;|   10  cmp rcx, rax
;;|   13  jb 55h
;;|   19  mov rcx, [rdi+20h]                   @42
;;|   1d  mov eax, esi
;;|   1f  cmp rax, [rcx+8]
;;|   23  jae 6Dh
;;|   29  mov rcx, [rcx]
;;|   2c  shl rax, 5
;;|   30  mov edx, [rcx+rax+10h]
;;|   34  mov esi, [rdi+28h]
;;|   37  cmp edx, esi
;;|   39  jne 63h
;;|   3f  mov rdx, [rcx+rax]
;;|   43  mov rdi, [rcx+rax+8]
;;|   48  mov rax, [rdx]
;;|   4b  mov rsi, r8
;;|   4e  call rax
;;|   50  mov rsp, rbp                         @45
;;|   53  pop rbp
;;|   54  ret
;;|   55  mov rax, [rdi+8]                     @37
;;|   59  mov rax, [rax]
;;|   5c  call rax
;;|   5e  jmp 19h
;;|   63  test edx, edx                        @42
;;|   65  je 6Fh
;;|   6b  hlt                                  IndirectCallTypeMismatch
;;|   6c  int3
;;|   6d  hlt                                  UndefinedElement
;;|   6e  int3
;;|   6f  hlt                                  UninitializedElement
;;= function 1, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov r8, rdx
;;|    7  mov rax, [rdi]                       @47
;;|    a  mov rax, [rax]
;;|    d  mov rcx, rsp
;;|   10  cmp rcx, rax
;;|   13  jb 55h
;;|   19  mov rcx, [rdi+20h]                   @52
;;|   1d  mov eax, esi
;;|   1f  cmp rax, [rcx+8]
;;|   23  jae 6Dh
;;|   29  mov rcx, [rcx]
;;|   2c  shl rax, 5
;;|   30  mov edx, [rcx+rax+10h]
;;|   34  mov esi, [rdi+28h]
;;|   37  cmp edx, esi
;;|   39  jne 63h
;;|   3f  mov rdx, [rcx+rax]
;;|   43  mov rdi, [rcx+rax+8]
;;|   48  mov r10, [rdx]
;;|   4b  mov rsi, r8
;;|   4e  mov rsp, rbp
;;|   51  pop rbp
;;|   52  jmp r10
;;|   55  mov rax, [rdi+8]                     @47
;;|   59  mov rax, [rax]
;;|   5c  call rax
;;|   5e  jmp 19h
;;|   63  test edx, edx                        @52
;;|   65  je 6Fh
;;|   6b  hlt                                  IndirectCallTypeMismatch
;;|   6c  int3
;;|   6d  hlt                                  UndefinedElement
;;|   6e  int3
;;|   6f  hlt                                  UninitializedElement
