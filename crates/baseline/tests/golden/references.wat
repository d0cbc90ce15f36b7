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
;;= function 0, frame of 48 bytes
;;|    0  push rbp                             @44
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 30h
;;|    b  mov [rbp-8], r14
;;|    f  mov r14, rdi
;;|   12  mov [rbp-10h], esi
;;|   15  mov [rbp-18h], rdx
;;|   19  mov qword ptr [rbp-20h], 0
;;|   21  mov r11, [r14]
;;|   24  cmp rsp, [r11]
;;|   27  jb 0AAh
;;|   2d  mov r10d, 3                          @49
;;|   33  mov r11, [r14+20h]
;;|   37  cmp r10, [r11+8]
;;|   3b  jae 0BFh
;;|   41  mov r11, [r11]
;;|   44  mov eax, [r11+r10*4]
;;|   48  mov [rbp-20h], eax                   @51
;;|   4b  mov esi, [rbp-10h]                   @57
;;|   4e  mov rdx, [rbp-18h]
;;|   52  mov rdi, [r14+30h]
;;|   56  mov rax, [r14+28h]
;;|   5a  call qword ptr [rax]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   5c  mov r11, [r14]                       @59
;;|   5f  cmp qword ptr [r11], 0
;;|   63  js 0C0h
;;|   69  mov esi, [rbp-20h]                   @65
;;|   6c  mov edx, 0
;;|   71  mov rdi, [r14+30h]
;;|   75  mov rax, [r14+28h]
;;|   79  call qword ptr [rax]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   7b  cmp qword ptr [rbp-18h], 0           @69
;;|   80  je 5Ch                               @70
;;|   86  mov eax, [rbp-10h]                   @77
;;|   89  mov r10d, 4
;;|   8f  mov r11, [r14+20h]
;;|   93  cmp r10, [r11+8]
;;|   97  jae 0D5h
;;|   9d  mov r11, [r11]
;;|   a0  mov [r11+r10*4], eax
;;|   a4  mov r14, [rbp-8]                     @79
;;|   a8  leave
;;|   a9  ret
;;|   aa  mov r10, rdi                         @44
;;|   ad  mov rdi, r14
;;|   b0  mov r11, [r14+8]
;;|   b4  call qword ptr [r11]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   b7  mov rdi, r10
;;|   ba  jmp 2Dh
;;|   bf  hlt                                  @49 TableOutOfBounds
;;|   c0  mov r10, rdi                         @59
;;|   c3  mov rdi, r14
;;|   c6  mov r11, [r14+8]
;;|   ca  call qword ptr [r11]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   cd  mov rdi, r10
;;|   d0  jmp 69h
;;|   d5  hlt                                  @77 TableOutOfBounds
