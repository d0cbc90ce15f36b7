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
;;|   27  jb 0B9h
;;|   2d  mov r10d, 3                          @49
;;|   33  mov r11, [r14+20h]
;;|   37  cmp r10, [r11+8]
;;|   3b  jae 0CEh
;;|   41  mov r11, [r11]
;;|   44  mov eax, [r11+r10*4]
;;|   48  mov [rbp-20h], eax                   @51
;;|   4b  mov esi, [rbp-10h]                   @57
;;|   4e  mov rdx, [rbp-18h]
;;|   52  mov rdi, [r14+30h]
;;|   56  mov rax, [r14+28h]
;;|   5a  call qword ptr [rax]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   5c  sub dword ptr [r14+40h], 31h         @59
;;|   64  js 0CFh
;;|   6a  mov esi, [rbp-20h]                   @65
;;|   6d  mov edx, 0
;;|   72  mov rdi, [r14+30h]
;;|   76  mov rax, [r14+28h]
;;|   7a  call qword ptr [rax]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   7c  cmp qword ptr [rbp-18h], 0           @69
;;|   81  je 5Ch                               @70
;;|   87  mov eax, [rbp-10h]                   @77
;;|   8a  mov r10d, 4
;;|   90  mov r11, [r14+20h]
;;|   94  cmp r10, [r11+8]
;;|   98  jae 0E2h
;;|   9e  mov r11, [r11]
;;|   a1  mov [r11+r10*4], eax
;;|   a5  sub dword ptr [r14+40h], 6Bh         @79
;;|   ad  js 0E3h
;;|   b3  mov r14, [rbp-8]
;;|   b7  leave
;;|   b8  ret
;;|   b9  mov r10, rdi                         @44
;;|   bc  mov rdi, r14
;;|   bf  mov r11, [r14+8]
;;|   c3  call qword ptr [r11]                 Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   c6  mov rdi, r10
;;|   c9  jmp 2Dh
;;|   ce  hlt                                  @49 TableOutOfBounds
;;|   cf  mov r11d, 80000000h                  @59
;;|   d5  mov r10, [r14+8]
;;|   d9  call qword ptr [r10+8]               Extern[rbp-32] Func[rbp-24] Extern[rbp-16]
;;|   dd  jmp 6Ah
;;|   e2  hlt                                  @77 TableOutOfBounds
;;|   e3  push r10                             @79
;;|   e5  push r10
;;|   e7  mov r11d, 0
;;|   ed  mov r10, [r14+8]
;;|   f1  call qword ptr [r10+8]
;;|   f5  pop r10
;;|   f7  pop r10
;;|   f9  jmp 0B3h
