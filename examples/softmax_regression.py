# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Your own estimator, softmax regression, of which a search trains many at once.

Run it with ``python examples/softmax_regression.py``.
"""

from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.stacks import ArrayStack, StackedEstimator, batches


class SoftmaxStack(ArrayStack):
    """Softmax regressions that train side by side, on mini-batches of one size."""

    # Arrays with a leading model axis, and the fitted attribute that each becomes.
    attributes = {"coefs": "coef_", "intercepts": "intercept_"}

    def begin_arrays(self, rows):
        """Begin with zeros, on the device of the rows."""
        shape = len(self), len(self.models[0].classes_), rows.X.shape[1]
        self.arrays = {
            "coefs": self.xp.zeros(shape, rows.X.dtype),
            "intercepts": self.xp.zeros(shape[:2], rows.X.dtype),
        }

    def epoch(self, rows, orders):
        """Take every model once through its rows, and note its mean loss."""
        xp, coefs, intercepts = self.xp, *self.arrays.values()
        eta, alpha = (
            xp.asarray([getattr(model, name) for model in self.models], coefs.dtype)
            for name in ("eta0", "alpha")
        )
        classes = xp.arange(coefs.shape[1])[:, None]
        total, n_rows = xp.zeros(len(self)), 0
        for batch in batches(xp, rows, orders, self.models[0].batch_size):
            # Models come first, then classes, then rows.
            right = (batch.y[..., None, :] == classes).astype(coefs.dtype)
            chances = self.probabilities(batch.X)
            errors = chances - right
            losses = -xp.log((chances * right).sum(axis=1) + 1e-12)
            if batch.weight is not None:
                errors *= batch.weight[..., None, :]
                losses *= batch.weight
            n = batch.X.shape[-2]
            slopes = xp.matmul(errors, batch.X) / n + alpha[:, None, None] * coefs
            coefs -= eta[:, None, None] * slopes
            intercepts -= eta[:, None] * errors.sum(axis=-1) / n
            total += losses.sum(axis=-1)
            n_rows += n
        for model, loss in zip(self.models, (total / n_rows).tolist(), strict=True):
            model.loss_ = loss

    def probabilities(self, X):
        """Compute probabilities, of shape (n_models, n_classes, n_rows)."""
        coefs, intercepts = self.arrays.values()
        # One product per model, so that none depends on how many models there are.
        scores = self.xp.matmul(coefs, X.swapaxes(-1, -2)) + intercepts[..., None]
        chances = self.xp.exp(scores - scores.max(axis=1, keepdims=True))
        return chances / chances.sum(axis=1, keepdims=True)

    def outputs(self, X):
        """Compute class scores, of shape (n_models, n_rows, n_classes)."""
        return self.probabilities(X).swapaxes(1, 2)

    def predict_proba(self, X):
        """Predict probabilities, of shape (n_models, n_rows, n_classes)."""
        return self.outputs(self.checked_X(X))


class SoftmaxRegression(StackedEstimator, ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression by stochastic gradient descent."""

    stack_type = SoftmaxStack
    stack_params = ("batch_size", "early_stopping")  # the others may differ

    def __init__(
        self,
        alpha=1e-4,
        eta0=0.1,
        *,
        batch_size=32,
        max_iter=100,
        early_stopping=False,
        random_state=None,
    ):
        self.alpha, self.eta0 = alpha, eta0
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.random_state = random_state

    def _check_trainable(self, *, for_partial_fit=False):
        if self.alpha < 0 or self.eta0 <= 0:
            raise ValueError("alpha must not be negative, and eta0 be positive")

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Take the model once through X, in mini-batches."""
        return self._train_once(X, y, classes=classes, sample_weight=sample_weight)

    def predict_proba(self, X):
        """Predict probabilities, of shape (n_rows, n_classes)."""
        return self.stack([self]).predict_proba(X)[0]


def main():
    """Search, and print the result."""
    X, y = load_digits(return_X_y=True)
    space = {"alpha": loguniform(1e-6, 1e-1), "eta0": loguniform(1e-2, 3)}
    search = HyperbandSearchCV(SoftmaxRegression(), space, max_iter=27, random_state=0)
    search.fit(X / 16, y)
    print(search.best_params_, f"validation accuracy {search.best_score_:.3f}")


if __name__ == "__main__":
    main()
