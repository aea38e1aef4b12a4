/* The cross-entropy of a row of logits, and its gradient: what loss.py does between two products. training.c includes this
 * once for each kind of processor. */
#define slopes_of NAMED(slopes_of)
#define slopes_of_halves NAMED(slopes_of_halves)

/* A row of logits, in float32, becomes its gradient: its probabilities, less one at the target, times its count. */
static void slopes_of(const Loss *o, int64_t i, float *row) {
    const int64_t V = o->outputs;
    float *target = row + o->targets[i];
    if (o->bias)
        for (int64_t j = 0; j < V; j++) row[j] += o->bias[j];
    const float answer = *target, count = o->counts ? o->counts[i] : 1;
    o->losses[i] = count * (softmax(row, (V + LANES - 1) / LANES * LANES, V, 1) - answer);
    *target -= 1;
    if (o->counts)
        for (int64_t j = 0; j < V; j++) row[j] *= count;
}

/* The same for a row in bfloat16, by way of floats that stay in the first cache. */
static void slopes_of_halves(const Loss *o, int64_t i, uint16_t *row, float *floats) {
    const int64_t wide = (o->outputs + LANES - 1) / LANES * LANES;
    for (int64_t j = 0; j < wide; j += LANES) *(lanes *)(floats + j) = of_halves(row + j);
    slopes_of(o, i, floats);
    for (int64_t j = 0; j < wide; j += LANES) to_halves(row + j, *(lanes *)(floats + j));
}
