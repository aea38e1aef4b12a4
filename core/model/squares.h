/* The sum of the squares of some numbers, in float32 for so few that nothing is lost. training.c includes this once for each
 * kind of processor. */
#define squares NAMED(squares)

static double squares(const float *x, int64_t number) {
    double all = 0;
    for (int64_t begin = 0; begin < number; begin += FEW) {
        const int64_t end = number - begin < FEW ? number : begin + FEW, whole = begin + (end - begin) / LANES * LANES;
        lanes sum[4] = {{0}}; /* that do not wait for each other */
        int64_t i = begin;
        for (; i + 4 * LANES <= whole; i += 4 * LANES)
            for (int k = 0; k < 4; k++)
                sum[k] += *(const lanes *)(x + i + k * LANES) * *(const lanes *)(x + i + k * LANES);
        for (; i < whole; i += LANES) sum[0] += *(const lanes *)(x + i) * *(const lanes *)(x + i);
        all += total(sum[0] + sum[1] + (sum[2] + sum[3]));
        for (; i < end; i++) all += x[i] * x[i];
    }
    return all;
}
