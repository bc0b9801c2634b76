"""What will be trained: studies, variants, recipes and model families. Pure data; Keras only inside builders."""
