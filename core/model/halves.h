/* Vectors of floats from and to memory that may hold bfloat16. training.c includes this once for each kind of processor. */
#define halves NAMED(halves)
#define of_halves NAMED(of_halves)
#define to_halves NAMED(to_halves)
#define get NAMED(get)
#define put NAMED(put)

typedef uint16_t halves __attribute__((vector_size(2 * LANES), aligned(2)));

INLINE lanes of_halves(const uint16_t *at) {
    return (lanes)(__builtin_convertvector(*(const halves *)at, numbers) << 16);
}

/* Rounded to the nearest, ties to even. What is no number has to have its high bits set. */
INLINE void to_halves(uint16_t *at, lanes x) {
    const numbers bits = (numbers)x;
    *(halves *)at = __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, halves);
}

/* From the i-th number on, of floats, or of bfloat16 where `half` says so. */
INLINE lanes get(const void *at, int half, int64_t i) {
    return half ? of_halves((const uint16_t *)at + i) : *(const lanes *)((const float *)at + i);
}

INLINE void put(void *at, int half, int64_t i, lanes x) {
    if (half) to_halves((uint16_t *)at + i, x);
    else *(lanes *)((float *)at + i) = x;
}
