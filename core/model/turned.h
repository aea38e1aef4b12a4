/* Matrices whose rows become columns. training.c includes this once for each kind of processor. */
#define turned NAMED(turned)

#if LANES == 16
#define quarters NAMED(quarters)
#define woven_rows NAMED(woven_rows)
#define turn_square NAMED(turn_square)

/* The first quarters of four vectors side by side, then the second, and so on, so far apart. */
INLINE void quarters(__m512 a, __m512 b, __m512 c, __m512 d, float *to, int64_t apart) {
    const __m512 ab = _mm512_shuffle_f32x4(a, b, 0x44), ab_high = _mm512_shuffle_f32x4(a, b, 0xee);
    const __m512 cd = _mm512_shuffle_f32x4(c, d, 0x44), cd_high = _mm512_shuffle_f32x4(c, d, 0xee);
    _mm512_storeu_ps(to, _mm512_shuffle_f32x4(ab, cd, 0x88));
    _mm512_storeu_ps(to + apart, _mm512_shuffle_f32x4(ab, cd, 0xdd));
    _mm512_storeu_ps(to + 2 * apart, _mm512_shuffle_f32x4(ab_high, cd_high, 0x88));
    _mm512_storeu_ps(to + 3 * apart, _mm512_shuffle_f32x4(ab_high, cd_high, 0xdd));
}

/* Four rows of 16 numbers, woven into each other: a quarter of out[i] has number i of each quarter of the rows. */
INLINE void woven_rows(const float *from, int64_t row, __m512 out[4]) {
    const __m512 a = _mm512_loadu_ps(from), b = _mm512_loadu_ps(from + row), c = _mm512_loadu_ps(from + 2 * row);
    const __m512 d = _mm512_loadu_ps(from + 3 * row);
    const __m512d ab = (__m512d)_mm512_unpacklo_ps(a, b), ab_high = (__m512d)_mm512_unpackhi_ps(a, b);
    const __m512d cd = (__m512d)_mm512_unpacklo_ps(c, d), cd_high = (__m512d)_mm512_unpackhi_ps(c, d);
    out[0] = (__m512)_mm512_unpacklo_pd(ab, cd), out[1] = (__m512)_mm512_unpackhi_pd(ab, cd);
    out[2] = (__m512)_mm512_unpacklo_pd(ab_high, cd_high), out[3] = (__m512)_mm512_unpackhi_pd(ab_high, cd_high);
}

/* A square of numbers, rows for columns; and how many a side of it has. */
#define SQUARE 16
INLINE void turn_square(const float *from, int64_t row, float *to, int64_t to_row) {
    __m512 some[4][4];
    for (int r = 0; r < 4; r++) woven_rows(from + 4 * r * row, row, some[r]);
    for (int i = 0; i < 4; i++) quarters(some[0][i], some[1][i], some[2][i], some[3][i], to + i * to_row, 4 * to_row);
}
#else
#define SQUARE 4
#define turn_square turn
#endif

/* A matrix (rows, columns), rows for columns. */
INLINE void turned(int64_t rows, int64_t columns, const float *from, int64_t row, float *to, int64_t to_row) {
    const int64_t high = rows / SQUARE * SQUARE, wide = columns / SQUARE * SQUARE;
    for (int64_t i = 0; i < high; i += SQUARE)
        for (int64_t j = 0; j < wide; j += SQUARE) turn_square(from + i * row + j, row, to + j * to_row + i, to_row);
    turn_by_fours(high, columns - wide, from + wide, row, to + wide * to_row, to_row);
    turn_by_fours(rows - high, columns, from + high * row, row, to + high, to_row);
}
#undef SQUARE
#undef turn_square
