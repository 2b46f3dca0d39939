// Package panel is what somebody who stands before the box sees and presses: its light, and its button.
//
//	what goes on -> Scene.Pattern -> Light.Show -> brightness, lit and dark in turn
//	the button's device -> Watch -> Press -> Act
//
// Patterns and presses are judged by pure functions of the time that is passed in. The light and the button are found below a
// root path, by the kernel's names of lights and by the device tree, and a board that has none is told apart from one whose
// light fails.
//
// It leaves to others what an Act means, and what goes on (firmware).
package panel
