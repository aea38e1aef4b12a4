/* Rows of the residual stream beside the norms: what attention or an MLP adds, and its gradients, less the channels that are
 * left out. training.c includes this once for each kind of processor. */
#define sum_row NAMED(sum_row)
#define sum_row_of NAMED(sum_row_of)
#define slopes_row NAMED(slopes_row)
#define slopes_row_of NAMED(slopes_row_of)

/* A row and what is added to it, times what is kept, if that is told; without a row what is added alone, in its own type. */
INLINE void sum_row_of(const Stream *o, int half, int64_t i) {
    const int64_t width = o->width, at = i * width;
    const float *kept = o->kept ? o->kept + i / o->length * o->kept_text : 0;
    for (int64_t j = 0; j < width; j += LANES) {
        lanes added = get(o->added, half, at + j);
        if (kept) added *= *(const lanes *)(kept + j);
        if (o->x) *(lanes *)(o->sum + at + j) = *(const lanes *)(o->x + at + j) + added;
        else put(o->added, half, at + j, added);
    }
}

static void sum_row(const Stream *o, int64_t i) { EITHER(sum_row_of, o, i); }

/* The gradients of what was added, from those of the sum. */
INLINE void slopes_row_of(const Stream *o, int half, int64_t i) {
    const int64_t width = o->width, at = i * width;
    const float *kept = o->kept ? o->kept + i / o->length * o->kept_text : 0;
    for (int64_t j = 0; j < width; j += LANES) {
        const lanes slopes = *(const lanes *)(o->x + at + j);
        put(o->added, half, at + j, kept ? slopes * *(const lanes *)(kept + j) : slopes);
    }
}

static void slopes_row(const Stream *o, int64_t i) { EITHER(slopes_row_of, o, i); }
