/* Scores that become probabilities, row by row. training.c includes this once for each kind of processor. */
#define larger NAMED(larger)
#define below NAMED(below)
#define exponential NAMED(exponential)
#define softmax NAMED(softmax)

/* The larger of both; of what is no number in a, that. */
INLINE lanes larger(lanes a, lanes b) {
    const numbers chosen = b > a;
    return (lanes)(((numbers)b & chosen) | ((numbers)a & ~chosen));
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
    const lanes first = (lanes){0} + row[0];
    lanes most = first, sum = {0};
    for (int64_t j = 0; j < seen; j += LANES) {
        const numbers chosen = below(j, seen);
        const lanes some = *(lanes *)(row + j);
        most = larger(most, (lanes)(((numbers)some & chosen) | ((numbers)first & ~chosen)));
    }
    float top = most[0];
    for (int i = 1; i < LANES; i++) top = most[i] > top ? most[i] : top;
    for (int64_t j = 0; j < wide; j += LANES) {
        lanes *some = (lanes *)(row + j);
        *some = (lanes)((numbers)exponential((*some - top) * scale) & below(j, seen));
        sum += *some;
    }
    const float all = total(sum), share = 1 / all;
    for (int64_t j = 0; j < seen; j += LANES) *(lanes *)(row + j) *= share;
    return top * scale + logf(all);
}
