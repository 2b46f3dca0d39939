//go:build race

package media

const underRaceDetector = true
