/* The cross-entropy of a row of logits, and its gradient: what loss.py does between two products. training.c includes this
 * once for each kind of processor. */
#define slopes_of NAMED(slopes_of)

/* A row of logits becomes its gradient: its probabilities, less one at the target, times its count. */
static void slopes_of(const Loss *o, int64_t i) {
    const int64_t V = o->outputs;
    float *row = o->logits + i * o->row, *target = row + o->targets[i];
    if (o->bias)
        for (int64_t j = 0; j < V; j++) row[j] += o->bias[j];
    const float answer = *target, count = o->counts ? o->counts[i] : 1;
    o->losses[i] = count * (softmax(row, (V + LANES - 1) / LANES * LANES, V, 1) - answer);
    *target -= 1;
    if (o->counts)
        for (int64_t j = 0; j < V; j++) row[j] *= count;
}
