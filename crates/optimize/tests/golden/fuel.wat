;;! fuel
;; Fuel is taken once for each run of operators.
(module
  (import "host" "see" (func $see (param i32)))
  (memory 1)
  (func (param i32) (result i32)
    (loop
      (i32.store (local.get 0) (i32.const 7))
      (call $see (local.get 0))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 4)))))
    (local.get 0)))
;;= function 0, frame of 64 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 40h
;;|    8  mov [rsp+10h], rbx
;;|    d  mov [rsp+18h], r12
;;|   12  mov [rsp+20h], r13
;;|   17  mov [rsp+28h], r14
;;|   1c  mov [rsp+30h], r15
;;|   21  mov rbx, [rdi]                       @47
;;|   24  mov rax, [rbx]
;;|   27  mov rcx, rsp
;;|   2a  cmp rcx, rax
;;|   2d  jb 0FEh
;;|   33  mov rax, [rbx+40h]                   @48
;;|   37  test rax, rax
;;|   3a  je 11Eh
;;|   40  sub rax, 1
;;|   44  mov [rbx+40h], rax
;;|   48  mov r12, [rdi+20h]                   @54
;;|   4c  mov r13, [rdi+30h]                   @59
;;|   50  mov r14, [rdi+38h]
;;|   54  mov r15, rsi
;;|   57  mov rax, [rbx]                       @48
;;|   5a  test rax, rax
;;|   5d  jl 10Ch
;;|   63  mov [rsp], rdi                       @-
;;|   67  mov rax, [rbx+40h]                   @50
;;|   6b  cmp rax, 5
;;|   6f  jb 120h
;;|   75  sub rax, 5                           @-
;;|   79  mov [rbx+40h], rax                   @50
;;|   7d  mov eax, r15d                        @54
;;|   80  mov dword ptr [r12+rax], 7           MemoryOutOfBounds
;;|   88  mov rax, [r13]                       @59
;;|   8c  mov rsi, r15
;;|   8f  mov rdi, r14
;;|   92  call rax
;;|   94  mov rdx, r15
;;|   97  mov rcx, [rbx+40h]                   @61
;;|   9b  cmp rcx, 5
;;|   9f  jb 122h
;;|   a5  mov rax, rcx
;;|   a8  sub rax, 5                           @-
;;|   ac  mov [rbx+40h], rax                   @61
;;|   b0  mov rax, rdx
;;|   b3  sub eax, 4                           @-
;;|   b6  test eax, eax                        @68
;;|   b8  je 0CAh
;;|   be  mov rdi, [rsp]                       @-
;;|   c2  mov r15, rax
;;|   c5  jmp 57h
;;|   ca  cmp rcx, 5                           @71
;;|   ce  je 124h
;;|   d4  sub rcx, 6                           @-
;;|   d8  mov [rbx+40h], rcx                   @71
;;|   dc  mov rbx, [rsp+10h]                   @73
;;|   e1  mov r12, [rsp+18h]
;;|   e6  mov r13, [rsp+20h]
;;|   eb  mov r14, [rsp+28h]
;;|   f0  mov r15, [rsp+30h]
;;|   f5  add rsp, 40h
;;|   f9  mov rsp, rbp
;;|   fc  pop rbp
;;|   fd  ret
;;|   fe  mov rax, [rdi+8]                     @47
;;|  102  mov rax, [rax]
;;|  105  call rax
;;|  107  jmp 33h
;;|  10c  mov rax, [rdi+8]                     @48
;;|  110  mov rax, [rax]
;;|  113  call rax
;;|  115  mov [rsp], rdi
;;|  119  jmp 67h
;;|  11e  hlt                                  OutOfFuel
;;|  11f  int3
;;|  120  hlt                                  @50 OutOfFuel
;;|  121  int3
;;|  122  hlt                                  @61 OutOfFuel
;;|  123  int3
;;|  124  hlt                                  @71 OutOfFuel
