include $(sort $(wildcard $(BR2_EXTERNAL_TOLLGATE_PATH)/package/*/*.mk))
