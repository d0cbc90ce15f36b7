;; Vectors: aligned in the frame, read in place from there and from behind the code.
(module
  (memory 1)
  (global $g (mut v128) (v128.const i64x2 0 0))
  (func $operands (param $a v128) (param $n i32) (result v128)
    (local $b v128)
    (local.set $b (i32x4.add (local.get $a) (v128.const i32x4 1 2 3 4)))
    (v128.bitselect (local.get $a) (v128.load offset=3 (local.get $n)) (local.get $b)))
  (func $across_a_call (param $a v128) (param $n i32) (result v128)
    (local.get $n)
    (i16x8.mul (local.get $a) (local.get $a))
    (call $operands (local.get $a) (local.get $n))
    (i32x4.sub)
    (i32x4.replace_lane 2 (i32.const 7))
    (global.set $g)
    (drop)
    (select (global.get $g) (v128.const i64x2 0 0) (v128.any_true (global.get $g))))
  (func $shuffles (param v128 v128) (result v128 v128 v128)
    (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get 0) (local.get 1))
    (i8x16.shuffle 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 (local.get 0) (local.get 1))
    (i8x16.shuffle 31 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 (local.get 0) (local.get 1)))
  (func $shifts (param v128 i32) (result v128)
    (i8x16.shr_s (i8x16.shl (local.get 0) (i32.const 3)) (local.get 1)))
)
;;= function 0, frame of 112 bytes
;;|    0  push rbp                             @66
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 70h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  movups [rbp-30h], xmm0
;;|   1e  mov ebx, esi
;;|   20  mov qword ptr [rbp-40h], 0
;;|   28  mov qword ptr [rbp-38h], 0
;;|   30  mov r11, [r14]
;;|   33  cmp rsp, [r11]
;;|   36  jb 86h
;;|   3c  mov r15, [r14+20h]
;;|   40  movups xmm0, [rbp-30h]               @89
;;|   44  paddd xmm0, [0C0h]
;;|   4c  movups [rbp-40h], xmm0               @92
;;|   50  movups xmm0, [r15+rbx+3]             @98 MemoryOutOfBounds
;;|   56  movups xmm1, [rbp-30h]               @104
;;|   5a  pxor xmm1, xmm0
;;|   5e  pand xmm1, [rbp-40h]
;;|   63  pxor xmm1, xmm0
;;|   67  movaps xmm0, xmm1                    @106
;;|   6a  sub dword ptr [r14+50h], 57h
;;|   72  js 9Bh
;;|   78  mov r14, [rbp-8]
;;|   7c  mov r15, [rbp-10h]
;;|   80  mov rbx, [rbp-18h]
;;|   84  leave
;;|   85  ret
;;|   86  mov r10, rdi                         @66
;;|   89  mov rdi, r14
;;|   8c  mov r11, [r14+8]
;;|   90  call qword ptr [r11]
;;|   93  mov rdi, r10
;;|   96  jmp 3Ch
;;|   9b  push r10                             @106
;;|   9d  push r10
;;|   9f  mov r11d, 0
;;|   a5  mov r10, [r14+8]
;;|   a9  call qword ptr [r10+8]
;;|   ad  pop r10
;;|   af  pop r10
;;|   b1  jmp 78h
;;= function 1, frame of 112 bytes
;;|    0  push rbp                             @108
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 70h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  movups [rbp-30h], xmm0
;;|   1e  mov ebx, esi
;;|   20  mov r11, [r14]
;;|   23  cmp rsp, [r11]
;;|   26  jb 9Ah
;;|   2c  mov r15, [r14+20h]
;;|   30  movups xmm0, [rbp-30h]               @115
;;|   34  pmullw xmm0, [rbp-30h]
;;|   39  movups [rbp-50h], xmm0               @122
;;|   3d  mov esi, ebx
;;|   3f  movups xmm0, [rbp-30h]
;;|   43  mov rdi, r14
;;|   46  call qword ptr [4Ch]                 cell 0
;;|   4c  movups xmm1, [rbp-50h]               @124
;;|   50  psubd xmm1, xmm0
;;|   54  mov r11d, 7                          @129
;;|   5a  pinsrd xmm1, r11d, 2
;;|   61  movups [r14+40h], xmm1               @132
;;|   66  movups xmm0, [r14+40h]               @135
;;|   6b  movups xmm1, [r14+40h]               @155
;;|   70  ptest xmm1, xmm1                     @157
;;|   75  jne 7Eh                              @159
;;|   7b  xorps xmm0, xmm0
;;|   7e  sub dword ptr [r14+58h], 5Eh         @160
;;|   86  js 0AFh
;;|   8c  mov r14, [rbp-8]
;;|   90  mov r15, [rbp-10h]
;;|   94  mov rbx, [rbp-18h]
;;|   98  leave
;;|   99  ret
;;|   9a  mov r10, rdi                         @108
;;|   9d  mov rdi, r14
;;|   a0  mov r11, [r14+8]
;;|   a4  call qword ptr [r11]
;;|   a7  mov rdi, r10
;;|   aa  jmp 2Ch
;;|   af  push r10                             @160
;;|   b1  push r10
;;|   b3  mov r11d, 1
;;|   b9  mov r10, [r14+8]
;;|   bd  call qword ptr [r10+8]
;;|   c1  pop r10
;;|   c3  pop r10
;;|   c5  jmp 8Ch
;;= function 2, frame of 112 bytes
;;|    0  push rbp                             @162
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 70h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov r14, rdi
;;|   16  movups [rbp-20h], xmm0
;;|   1a  movups [rbp-30h], xmm1
;;|   1e  mov r11, [r14]
;;|   21  cmp rsp, [r11]
;;|   24  jb 7Bh
;;|   2a  mov r15, [r14+20h]
;;|   2e  movups xmm0, [rbp-20h]               @167
;;|   32  punpcklbw xmm0, [rbp-30h]
;;|   37  movups xmm1, [rbp-30h]               @189
;;|   3b  palignr xmm1, [rbp-20h], 3
;;|   42  movups xmm2, [rbp-30h]               @211
;;|   46  movups xmm3, [rbp-20h]
;;|   4a  pshufb xmm3, [0B0h]
;;|   53  pshufb xmm2, [0C0h]
;;|   5c  por xmm3, xmm2
;;|   60  movaps xmm2, xmm3                    @229
;;|   63  sub dword ptr [r14+60h], 55h
;;|   6b  js 90h
;;|   71  mov r14, [rbp-8]
;;|   75  mov r15, [rbp-10h]
;;|   79  leave
;;|   7a  ret
;;|   7b  mov r10, rdi                         @162
;;|   7e  mov rdi, r14
;;|   81  mov r11, [r14+8]
;;|   85  call qword ptr [r11]
;;|   88  mov rdi, r10
;;|   8b  jmp 2Ah
;;|   90  push r10                             @229
;;|   92  push r10
;;|   94  mov r11d, 2
;;|   9a  mov r10, [r14+8]
;;|   9e  call qword ptr [r10+8]
;;|   a2  pop r10
;;|   a4  pop r10
;;|   a6  jmp 71h
;;= function 3, frame of 80 bytes
;;|    0  push rbp                             @231
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 50h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  movups [rbp-30h], xmm0
;;|   1e  mov ebx, esi
;;|   20  mov r11, [r14]
;;|   23  cmp rsp, [r11]
;;|   26  jb 86h
;;|   2c  mov r15, [r14+20h]
;;|   30  movups xmm0, [rbp-30h]               @236
;;|   34  pand xmm0, [0C0h]
;;|   3c  psllw xmm0, 3
;;|   41  mov r11d, ebx                        @240
;;|   44  and r11d, 7
;;|   48  add r11d, 8
;;|   4c  movd xmm15, r11d
;;|   51  movaps xmm1, xmm0
;;|   54  punpckhbw xmm1, xmm1
;;|   58  punpcklbw xmm0, xmm0
;;|   5c  psraw xmm1, xmm15
;;|   61  psraw xmm0, xmm15
;;|   66  packsswb xmm0, xmm1
;;|   6a  sub dword ptr [r14+68h], 57h         @242
;;|   72  js 9Bh
;;|   78  mov r14, [rbp-8]
;;|   7c  mov r15, [rbp-10h]
;;|   80  mov rbx, [rbp-18h]
;;|   84  leave
;;|   85  ret
;;|   86  mov r10, rdi                         @231
;;|   89  mov rdi, r14
;;|   8c  mov r11, [r14+8]
;;|   90  call qword ptr [r11]
;;|   93  mov rdi, r10
;;|   96  jmp 2Ch
;;|   9b  push r10                             @242
;;|   9d  push r10
;;|   9f  mov r11d, 3
;;|   a5  mov r10, [r14+8]
;;|   a9  call qword ptr [r10+8]
;;|   ad  pop r10
;;|   af  pop r10
;;|   b1  jmp 78h
