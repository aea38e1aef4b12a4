/* Vectors of so many floats, and what sums and exponentials need. Each kind of processor includes it, with their length. */
#define lanes NAMED(lanes)
#define total NAMED(total)

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));

/* The sum of all lanes, by halves. */
static inline __attribute__((always_inline)) float total(lanes sum) {
    float half[LANES];
    memcpy(half, &sum, sizeof half);
    for (int size = LANES / 2; size; size /= 2)
        for (int i = 0; i < size; i++) half[i] += half[i + size];
    return half[0];
}

/* e^x is 2^n, n whole, times e^rest: to some 1e-7 of it by the polynomial of Moshier's Cephes library. Of floats or lanes. */
#define REST(x, n) ((x) - (n) * 0.693359375f + (n) * 2.12194440e-4f)
#define SERIES(r) \
    ((((((1.9875691500e-4f * (r) + 1.3981999507e-3f) * (r) + 8.3334519073e-3f) * (r) + 4.1665795894e-2f) * (r) + \
       1.6666665459e-1f) * (r) + 5.0000001201e-1f) * (r) * (r) + (r) + 1.0f)
