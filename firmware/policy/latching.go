package policy

func (c *checker) latching(path string, l Latching) {
	one(c, path+".media_latching", l, LatchStrict, LatchDynamic, LatchDynamicStrict)
}
