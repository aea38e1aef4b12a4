/* What a gated MLP (Shazeer 2020, arXiv:2002.05202) does between its products: silu(gate) * up, and the gradients of both.
 * training.c includes this once for each kind of processor. */
#define sigmoid NAMED(sigmoid)
#define gated NAMED(gated)
#define gated_of NAMED(gated_of)
#define gated_slopes NAMED(gated_slopes)
#define gated_slopes_of NAMED(gated_slopes_of)

/* 1 / (1 + e^-x); 0 where x is so low that the exponential is not told any more. */
INLINE lanes sigmoid(lanes x) {
    const lanes small = exponential(-larger(x, -x)), share = 1 / (1 + small); /* of |x|: the exponential does not overflow */
    const numbers low = (numbers)(small * share) & (x > LEAST);
    return (lanes)((low & (x < 0)) | ((numbers)share & ~(x < 0)));
}

/* A row. */
INLINE void gated_of(const Gated *o, int half, int64_t row) {
    const int64_t at = row * o->width, from = 2 * at;
    for (int64_t i = 0; i < o->width; i += LANES) {
        const lanes gate = get(o->gate, half, from + i);
        put(o->out, half, at + i, gate * sigmoid(gate) * get(o->up, half, from + i));
    }
}

static void gated(const Gated *o, int64_t row) { EITHER(gated_of, o, row); }

INLINE void gated_slopes_of(const Gated *o, int half, int64_t row) {
    const int64_t at = row * o->width, from = 2 * at;
    for (int64_t i = 0; i < o->width; i += LANES) {
        const lanes gate = get(o->gate, half, from + i), slope = get(o->slopes, half, at + i), share = sigmoid(gate);
        put(o->to_up, half, from + i, slope * gate * share);
        put(o->to_gate, half, from + i, slope * get(o->up, half, from + i) * share * (1 + gate * (1 - share)));
    }
}

static void gated_slopes(const Gated *o, int64_t row) { EITHER(gated_slopes_of, o, row); }
