# Prints the polynomials of batch_erf.hpp: interpolation at Chebyshev nodes in many digits, which
# comes within a small factor of the best polynomial of its degree. Needs mpmath.
from mpmath import chebyfit, erf, erfc, exp, mp, mpf, sqrt

mp.dps = 60


def show(name, f, low, high, degree):
    coefficients, error = chebyfit(f, [mpf(low), mpf(high)], degree + 1, error=True)
    print(f"// {name}: error {mp.nstr(error, 3)}")
    print(", ".join(mp.nstr(c, 18) for c in reversed(coefficients)))


# erf(x) / x of z = x^2 on [0, 1].
def small(z):
    return erf(sqrt(z)) / sqrt(z) if z > 0 else 2 / sqrt(mp.pi)


# (1 + 2x) e^(x^2) erfc(x) of t = (x - 4) / (x + 4).
def large(t):
    x = 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * exp(x * x) * erfc(x)


show("float32 small", small, 0, 1, 6)
show("float64 small", small, 0, 1, 12)
show("float32 large", large, mpf(-7) / 9, mpf(10.5 - 4) / (10.5 + 4), 9)
show("float64 large", large, mpf(-7) / 9, mpf(28 - 4) / (28 + 4), 22)
