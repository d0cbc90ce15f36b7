;; References that live across a call or poll are in the frame, and stack maps list them.
(module
  (import "host" "use" (func $use (param externref funcref)))
  (table $things 10 externref)
  (func (param externref funcref) (local $kept externref)
    (local.set $kept (table.get $things (i32.const 3)))
    (call $use (local.get 0) (local.get 1))
    (loop $again
      (call $use (local.get $kept) (ref.null func))
      (br_if $again (ref.is_null (local.get 1))))
    (table.set $things (i32.const 4) (local.get 0))))
;;= function 0, frame of 80 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 50h
;;|    8  mov [rsp+20h], rbx
;;|    d  mov [rsp+28h], r12
;;|   12  mov [rsp+30h], r13
;;|   17  mov [rsp+38h], r14
;;|   1c  mov [rsp+40h], r15
;;|   21  mov [rsp], esi
;;|   24  mov [rsp+8], rdx
;;|   29  mov rbx, [rdi]                       @44
;;|   2c  mov rax, [rbx]
;;|   2f  mov rcx, rsp
;;|   32  cmp rcx, rax
;;|   35  jb 0E0h
;;|   3b  mov r12, [rdi+20h]                   @49
;;|   3f  mov rax, [r12+8]
;;|   44  cmp rax, 3
;;|   48  jbe 0FFh
;;|   4e  mov rax, [r12]
;;|   52  mov eax, [rax+0Ch]
;;|   55  mov [rsp+10h], eax                   @-
;;|   59  mov r13, [rdi+28h]                   @57
;;|   5d  mov rax, [r13]
;;|   61  mov esi, [rsp]                       @-
;;|   64  mov rdx, [rsp+8]
;;|   69  mov r14, [rdi+30h]                   @57
;;|   6d  mov r15, rdi
;;|   70  mov rdi, r14
;;|   73  call rax                             Extern[rbp-80] Func[rbp-72] Extern[rbp-64]
;;|   75  mov eax, [rsp]                       @-
;;|   78  mov [rsp], eax
;;|   7b  mov rax, [rbx]                       @59
;;|   7e  test rax, rax
;;|   81  jl 0EEh
;;|   87  mov rax, [r13]                       @65
;;|   8b  mov esi, [rsp+10h]                   @-
;;|   8f  xor rdx, rdx
;;|   92  mov rdi, r14
;;|   95  call rax                             @65 Extern[rbp-80] Func[rbp-72] Extern[rbp-64]
;;|   97  mov rcx, [rsp+8]                     @-
;;|   9c  mov eax, [rsp]
;;|   9f  test rcx, rcx                        @70
;;|   a2  je 78h
;;|   a8  mov rcx, [r12+8]                     @77
;;|   ad  cmp rcx, 4
;;|   b1  jbe 101h
;;|   b7  mov rcx, [r12]
;;|   bb  mov [rcx+10h], eax
;;|   be  mov rbx, [rsp+20h]                   @79
;;|   c3  mov r12, [rsp+28h]
;;|   c8  mov r13, [rsp+30h]
;;|   cd  mov r14, [rsp+38h]
;;|   d2  mov r15, [rsp+40h]
;;|   d7  add rsp, 50h
;;|   db  mov rsp, rbp
;;|   de  pop rbp
;;|   df  ret
;;|   e0  mov rax, [rdi+8]                     @44
;;|   e4  mov rax, [rax]
;;|   e7  call rax                             Extern[rbp-80] Func[rbp-72]
;;|   e9  jmp 3Bh
;;|   ee  mov rdi, r15                         @-
;;|   f1  mov rax, [rdi+8]                     @59
;;|   f5  mov rax, [rax]
;;|   f8  call rax                             Extern[rbp-80] Func[rbp-72] Extern[rbp-64]
;;|   fa  jmp 87h
;;|   ff  hlt                                  @49 TableOutOfBounds
;;|  100  int3
;;|  101  hlt                                  @77 TableOutOfBounds
