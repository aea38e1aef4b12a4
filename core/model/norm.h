/* Root mean square normalisation and its gradients, each in one pass over the rows; of a row to which something is added
 * first, if it is told. training.c includes this once for each kind of processor. */
#define norm_row NAMED(norm_row)
#define norm_row_of NAMED(norm_row_of)
#define norm_slopes NAMED(norm_slopes)
#define norm_slopes_of NAMED(norm_slopes_of)

/* A row divided by its root mean square, times the weights. What it was multiplied by is kept. */
INLINE void norm_row_of(const Norm *o, int half, int64_t i) {
    const int64_t width = o->width, at = i * width;
    const float *x = o->x + at;
    lanes sum = {0};
    if (o->added) {
        for (int64_t j = 0; j < width; j += LANES) {
            const lanes some = *(const lanes *)(x + j) + get(o->added, half, at + j);
            *(lanes *)(o->sum + at + j) = some;
            sum += some * some;
        }
        x = o->sum + at;
    } else
        for (int64_t j = 0; j < width; j += LANES) sum += *(const lanes *)(x + j) * *(const lanes *)(x + j);
    const float factor = o->factors[i] = 1 / sqrtf(total(sum) / width + o->epsilon);
    for (int64_t j = 0; j < width; j += LANES)
        put(o->out, half, at + j, *(const lanes *)(x + j) * factor * *(const lanes *)(o->weight + j));
}

static void norm_row(const Norm *o, int64_t i) { EITHER(norm_row_of, o, i); }

/* The gradients of some rows, and what they are together to the weights. */
INLINE void norm_slopes_of(const Norm *o, int half, int64_t begin, int64_t end, float *to_weight) {
    const int64_t width = o->width;
    memset(to_weight, 0, width * sizeof *to_weight);
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = i * width;
        const float *x = o->x + at, factor = o->factors[i];
        lanes sum = {0};
        for (int64_t j = 0; j < width; j += LANES) {
            const lanes part = *(const lanes *)(x + j) * get(o->slopes, half, at + j);
            *(lanes *)(to_weight + j) += part * factor;
            sum += part * *(const lanes *)(o->weight + j);
        }
        const float less = total(sum) / width * factor * factor;
        for (int64_t j = 0; j < width; j += LANES) {
            lanes found = (get(o->slopes, half, at + j) * *(const lanes *)(o->weight + j) - *(const lanes *)(x + j) * less) * factor;
            if (o->to_sum) found += *(const lanes *)(o->to_sum + at + j);
            *(lanes *)(o->to_x + at + j) = found;
            if (o->to_added) put(o->to_added, half, at + j, found);
        }
    }
}

static void norm_slopes(const Norm *o, int64_t begin, int64_t end, float *to_weight) { EITHER(norm_slopes_of, o, begin, end, to_weight); }
