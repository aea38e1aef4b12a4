/* Scores that become probabilities, row by row. training.c includes this once for each kind of processor. */
#define larger NAMED(larger)
#define largest NAMED(largest)
#define below NAMED(below)
#define exponential NAMED(exponential)
#define softmax NAMED(softmax)

/* The larger of both; a where one is no number. */
INLINE lanes larger(lanes a, lanes b) {
#if LANES == 16
    return (lanes)_mm512_max_ps((__m512)b, (__m512)a);
#else
    return (lanes)_mm256_max_ps((__m256)b, (__m256)a);
#endif
}

/* The largest lane, by halves. */
INLINE float largest(lanes most) {
    float half[LANES];
    memcpy(half, &most, sizeof half);
    for (int size = LANES / 2; size; size /= 2)
        for (int i = 0; i < size; i++) half[i] = half[i + size] > half[i] ? half[i + size] : half[i];
    return half[0];
}

/* Which of the places from `first` on are before `end`. */
INLINE numbers below(int64_t first, int64_t end) {
    numbers place;
    for (int i = 0; i < LANES; i++) place[i] = i;
    return place < (int32_t)(end - first);
}

/* e^x for x < 1. */
INLINE lanes exponential(lanes x) {
    x = larger(x, (lanes){0} + LEAST);
    const lanes whole = (x * 1.44269504f + 12582912.0f) - 12582912.0f; /* where the next float is 1 further on */
    const lanes rest = REST(x, whole);
    return SERIES(rest) * (lanes)((__builtin_convertvector(whole, numbers) + 127) << 23);
}

/* So many scores of a row, of which it may see the first so many, become probabilities, and the others 0. Gives the
 * logarithm of the sum of their exponentials. */
INLINE float softmax(float *row, int64_t wide, int64_t seen, float scale) {
    const int64_t whole = seen / LANES * LANES; /* in full vectors */
    const numbers last = below(whole, seen);
    lanes most = (lanes){0} + row[0], sum = {0};
    for (int64_t j = 0; j < whole; j += LANES) most = larger(most, *(lanes *)(row + j));
    float top = largest(most);
    for (int64_t j = whole; j < seen; j++) top = row[j] > top ? row[j] : top;
    for (int64_t j = 0; j < whole; j += LANES) {
        lanes *some = (lanes *)(row + j);
        *some = exponential((*some - top) * scale);
        sum += *some;
    }
    for (int64_t j = whole; j < wide; j += LANES) {
        lanes *some = (lanes *)(row + j);
        *some = j < seen ? (lanes)((numbers)exponential((*some - top) * scale) & last) : (lanes){0};
        sum += *some;
    }
    const float all = total(sum), share = 1 / all;
    for (int64_t j = 0; j < seen; j += LANES) *(lanes *)(row + j) *= share;
    return top * scale + logf(all);
}
