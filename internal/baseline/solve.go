package baseline

import "math"

// cholesky solves a·x = b for the symmetric positive definite matrix whose
// lower half is a.
func cholesky(a *[signals][signals]float64, b [signals]float64) [signals]float64 {
	for j := range signals {
		d := a[j][j]
		for k := range j {
			d -= mul(a[j][k], a[j][k])
		}
		if d <= 0 {
			d = 1e-9
		}
		a[j][j] = math.Sqrt(d)
		for i := j + 1; i < signals; i++ {
			s := a[i][j]
			for k := range j {
				s -= mul(a[i][k], a[j][k])
			}
			a[i][j] = s / a[j][j]
		}
	}
	for i := range signals {
		for k := range i {
			b[i] -= mul(a[i][k], b[k])
		}
		b[i] /= a[i][i]
	}
	for i := signals - 1; i >= 0; i-- {
		for k := i + 1; k < signals; k++ {
			b[i] -= mul(a[k][i], b[k])
		}
		b[i] /= a[i][i]
	}
	return b
}
