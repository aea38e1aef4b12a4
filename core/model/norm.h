/* Root mean square normalisation and its gradients, each in one pass over the rows. training.c includes this once for each
 * kind of processor. */
#define norm_row NAMED(norm_row)
#define norm_slopes NAMED(norm_slopes)

/* A row divided by its root mean square, times the weights. What it was multiplied by is kept. */
static void norm_row(const Norm *o, int64_t i) {
    const float *x = o->x + i * o->width;
    float *out = o->out + i * o->width;
    lanes sum = {0};
    for (int64_t j = 0; j < o->width; j += LANES) sum += *(const lanes *)(x + j) * *(const lanes *)(x + j);
    const float factor = o->factors[i] = 1 / sqrtf(total(sum) / o->width + o->epsilon);
    for (int64_t j = 0; j < o->width; j += LANES)
        *(lanes *)(out + j) = *(const lanes *)(x + j) * factor * *(const lanes *)(o->weight + j);
}

/* The gradients of some rows, and what they are together to the weights. */
static void norm_slopes(const Norm *o, int64_t begin, int64_t end, float *to_weight) {
    memset(to_weight, 0, o->width * sizeof *to_weight);
    for (int64_t i = begin; i < end; i++) {
        const float *x = o->x + i * o->width, *slopes = o->slopes + i * o->width, factor = o->factors[i];
        float *to_x = o->out + i * o->width;
        lanes sum = {0};
        for (int64_t j = 0; j < o->width; j += LANES) {
            const lanes part = *(const lanes *)(x + j) * *(const lanes *)(slopes + j);
            *(lanes *)(to_weight + j) += part * factor;
            sum += part * *(const lanes *)(o->weight + j);
        }
        const float less = total(sum) / o->width * factor * factor;
        for (int64_t j = 0; j < o->width; j += LANES)
            *(lanes *)(to_x + j) =
                (*(const lanes *)(slopes + j) * *(const lanes *)(o->weight + j) - *(const lanes *)(x + j) * less) * factor;
    }
}
